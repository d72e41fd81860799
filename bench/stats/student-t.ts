/**
 * Quantiles of Student's t and of the normal distribution, found by bisection of their distribution
 * functions: exact enough (1e-9) and without tables of constants.
 */

const BISECTIONS = 80;

/** The `p` quantile (0 < p < 1) of Student's t with `degrees` (a whole number >= 1) of freedom. */
export function studentTQuantile(p: number, degrees: number): number {
  return quantileOf((t) => studentTCdf(t, degrees), p);
}

/** The `p` quantile (0 < p < 1) of the standard normal distribution. */
export function normalQuantile(p: number): number {
  return quantileOf(normalCdf, p);
}

/** Both distributions are symmetric about 0 and rise everywhere. */
function quantileOf(cdf: (x: number) => number, p: number): number {
  if (p < 0.5) return -quantileOf(cdf, 1 - p);
  let low = 0;
  let high = 1;
  while (cdf(high) < p && high < Number.MAX_SAFE_INTEGER) high *= 2;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (cdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The finite series for a whole number of degrees (Abramowitz and Stegun 26.7.3 and 26.7.4). */
function studentTCdf(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let k = odd ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= (cosine * cosine * (k + 1)) / (k + 2);
  }
  const within = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return 0.5 + within / 2;
}

/** Taylor's series about 0 (Marsaglia 2004); past 8 standard deviations the tail is below 1e-15. */
function normalCdf(x: number): number {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
