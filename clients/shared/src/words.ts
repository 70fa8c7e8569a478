// The API keeps the spelling "cheque", writes days as 2026-01-31 and names mutations; screens are in US English for people.
import {day} from "./days.ts";

// Such as " (submitInvoice)" and " (refundCheque, by an administrator)".
const ASIDES = / \(([a-z]+[A-Z][^)]*)\)/g;
const MUTATION = /^[a-z]+(?:[A-Z][a-z]+)+$/;
const DAYS = /\b\d{4}-\d{2}-\d{2}\b/g;

/** A text of the server in US English, without the names of mutations. */
export function american(text: string): string {
  return text
    .replace(ASIDES, (_, aside: string) => {
      const rest = aside.split(", ").filter((word) => !MUTATION.test(word));
      return rest.length > 0 ? ` (${rest.join(", ")})` : "";
    })
    .replace(DAYS, day)
    .replace(/cheque/g, "check")
    .replace(/Cheque/g, "Check")
    .replace(/itemis/g, "itemiz")
    .replace(/enrolment/g, "enrollment");
}

/** A count with its noun: 1 invoice, 2,500 invoices. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
