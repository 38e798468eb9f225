/** How numbers are spelled, the same in every format that prints them rounded. */

/** What stands where a value should be and is not. */
export const DASH = '–';

/** Rounds to so many decimals; never '-0.000', never 'NaN'. */
export function fixed(value: number, decimals: number, isSigned = false): string {
  if (!Number.isFinite(value)) return DASH;
  const rounded = value.toFixed(decimals);
  const isZero = Number(rounded) === 0;
  if (isZero) return Math.abs(value).toFixed(decimals);
  return isSigned && value > 0 ? `+${rounded}` : rounded;
}

/** A p-value to three decimals; '<0.001' below. */
export function probability(value: number): string {
  return value < 0.001 ? '<0.001' : fixed(value, 3);
}

/** Every digit that reading the number back needs; empty where it is not finite. */
export function exact(value: number): string {
  return Number.isFinite(value) ? String(value) : '';
}
