/** What a place in a call stack is called, without where this machine keeps its files. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledPlace } from './bundled-place.ts';
import { type StageName, stageOf } from './stages.ts';

/** A function. */
export interface Frame {
  /** "requestEnd"; "(anonymous)"; in parentheses also what is no function, as "(idle)". */
  readonly name: string;
  /** From the repository's root, "node:…", or "" of native code. Never absolute. */
  readonly file: string;
  /** Where it begins, from 1; 0 when it has no line. */
  readonly line: number;
  readonly stage: StageName;
}

/** As V8 writes it; lines and columns count from 0, -1 is none. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber?: number;
}

/** The root of this checkout, with a slash at its end. */
const OWN_ROOT = path.resolve(import.meta.dirname, '..') + path.sep;

/** Folders of a checkout elsewhere, or of a package, within a path of another machine. */
const ELSEWHERE = /(?:^|\/)((?:proxy|base|api|controller|cli|bench|node_modules)\/.*)$/;

/** The frame of a function; equal ones are equal by `frameKey`. */
export function frameOf({ columnNumber = 0, functionName, lineNumber, url }: CallFrame): Frame {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const source = bundledPlace(OWN_ROOT, url, lineNumber, columnNumber);
  const file = source?.file ?? fileOf(url);
  const line = source?.line ?? lineNumber;
  return { name, file, line: Math.max(0, line + 1), stage: stageOf(name, file) };
}

/** A frame that is no function: the name of a thread, or what was pruned. */
export const madeUpFrame = (name: string, stage: StageName): Frame => ({
  name,
  file: '',
  line: 0,
  stage,
});

/** Equal for the same function of the same tree. */
export const frameKey = ({ file, line, name }: Frame): string => `${name}\n${file}\n${line}`;

/**
 * Equal for the same function of two trees, where lines moved. Functions without a name of one file
 * are then one.
 */
export const movedKey = ({ file, name }: Frame): string => `${name}\n${file}`;

/** As people read it: "requestEnd session/http1-server.ts:120". */
export function frameLabel({ file, line, name }: Frame): string {
  if (file === '') return name;
  return `${name} ${file}${line > 0 ? `:${line}` : ''}`;
}

function fileOf(url: string): string {
  if (url === '' || url.startsWith('node:')) return url;
  const file = url.startsWith('file:') ? pathOf(url) : url;
  if (file.startsWith(OWN_ROOT)) return shortened(file.slice(OWN_ROOT.length));
  const elsewhere = ELSEWHERE.exec(file)?.[1];
  return shortened(elsewhere ?? path.posix.basename(file));
}

/** Of a package that another brought along, only the inner one tells something. */
const shortened = (file: string): string => {
  const at = file.lastIndexOf('node_modules/');
  return at === -1 ? file : file.slice(at);
};

function pathOf(url: string): string {
  try {
    return fileURLToPath(url.split('?')[0] ?? url);
  } catch {
    return url;
  }
}
