// The filter and the order of the list are in its address, so that a link shows the same list and Back works.
import type {InvoiceFilter, InvoiceOrder, InvoiceOrderField, InvoiceStatus, AgingBucket, WorklistName} from "../../generated/worklist.ts";

export const STATUSES: InvoiceStatus[] = ["PENDING_INVOICE", "PENDING_REDUCTION", "PENDING_CHEQUE", "CHEQUE_RECEIVED", "PAID", "WRITTEN_OFF", "VOID"];
export const BUCKETS: AgingBucket[] = ["DAYS_0_30", "DAYS_31_60", "DAYS_61_90", "DAYS_91_120", "DAYS_121_PLUS"];
export const WORKLISTS: WorklistName[] = ["UNSUBMITTED", "STALE", "EXPIRING_OFFERS", "LAPSING"];
const FIELDS: InvoiceOrderField[] = ["CREATED_ON", "SERVICE_DATE", "NUMBER", "BILLED_AMOUNT", "BALANCE", "AGE"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The filter that an address says; what cannot be read is left out. */
export function filterOf(address: URLSearchParams): InvoiceFilter {
  const status = STATUSES.filter((each) => address.getAll("status").includes(each));
  const agingBucket = BUCKETS.filter((each) => address.getAll("agingBucket").includes(each));
  const worklist = WORKLISTS.find((each) => each === address.get("worklist"));
  const search = address.get("search")?.trim();
  const [serviceFrom, serviceTo] = [address.get("serviceFrom"), address.get("serviceTo")];
  return {
    ...(status.length > 0 && {status}),
    ...(agingBucket.length > 0 && {agingBucket}),
    ...(worklist && {worklist}),
    ...(search && {search}),
    ...(serviceFrom && DAY.test(serviceFrom) && {serviceFrom}),
    ...(serviceTo && DAY.test(serviceTo) && {serviceTo}),
  };
}

/** The order that an address says: the newest invoices first where it says none. */
export function orderOf(address: URLSearchParams): InvoiceOrder {
  const [field, direction] = (address.get("order") ?? "").split(".");
  const known = FIELDS.find((each) => each === field);
  return {field: known ?? "CREATED_ON", direction: direction === "ASC" ? "ASC" : "DESC"};
}

/** An address with a value of a list switched on or off. */
export function toggled(address: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(address);
  if (next.has(name, value)) next.delete(name, value);
  else next.append(name, value);
  return next;
}

/** An address with a value, or without it where it is empty. */
export function changed(address: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(address);
  if (value) next.set(name, value);
  else next.delete(name);
  return next;
}
