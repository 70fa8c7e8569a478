// Amounts are texts with two decimals, as the API writes them; what is computed here is computed in whole cents.

const AMOUNT = /^(-?)(\d+)\.(\d{2})$/;

/** The cents of an amount such as "1234.50". */
export function cents(amount: string): bigint {
  const parts = AMOUNT.exec(amount);
  if (!parts) throw new Error("an amount has two decimals");
  const [, sign, whole, rest] = parts;
  return BigInt(`${sign}${whole}${rest}`);
}

/** An amount as Americans write it: $1,234.50, and -$5.00. */
export function dollars(amount: string): string {
  const parts = AMOUNT.exec(amount);
  if (!parts) return amount;
  const [, sign, whole, rest] = parts;
  return `${sign}$${whole!.replace(/\B(?=(\d{3})+$)/g, ",")}.${rest}`;
}

/** Whole dollars for a figure in large type: $1,235. */
export function wholeDollars(amount: string): string {
  const all = cents(amount);
  const rounded = (all < 0n ? all - 50n : all + 50n) / 100n;
  return dollars(`${rounded}.00`).slice(0, -3);
}

/** The share of an amount in another one, in thousandths, for the width of a bar. */
export function thousandths(part: string, whole: string): number {
  const all = cents(whole);
  return all > 0n ? Number((cents(part) * 1000n) / all) : 0;
}

/** What somebody typed as an amount ("$1,234.5", "1234") in the API's spelling; null if it is none. */
export function typedAmount(text: string): string | null {
  const parts = /^\s*(-?)\s*\$?\s*(-?)(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d{0,2}))?\s*$/.exec(text);
  if (!parts || (!parts[3] && !parts[4])) return null;
  const [, before, after, whole = "0", rest = ""] = parts;
  return `${before || after}${BigInt(whole.replaceAll(",", ""))}.${rest.padEnd(2, "0")}`;
}
