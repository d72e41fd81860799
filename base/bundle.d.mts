/** Types of bundle.mjs. */

/** Where bundles are, from the root. */
export const BUNDLE_FOLDER: string;
/** URL of the module to run for `entry`, which is relative to `root`. */
export function moduleOf(root: string, entry: string): string;
