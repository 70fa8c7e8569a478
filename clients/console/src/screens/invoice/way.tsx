// The states of an invoice, where this one is, and when it came there.
import {moment} from "@clinic-billing/shared/days.ts";
import {useShell} from "../../app/context.ts";
import type {InvoiceRecord} from "./invoice.tsx";

const STATES = ["PENDING_INVOICE", "PENDING_REDUCTION", "PENDING_CHEQUE", "CHEQUE_RECEIVED", "PAID"] as const;

/** The way through the states; an invoice that left it says so at its end. */
export function Way({invoice}: {invoice: InvoiceRecord}) {
  const {label, viewer} = useShell();
  const exits = invoice.status === "VOID" || invoice.status === "WRITTEN_OFF" ? [invoice.status] : [];
  const states = exits.length > 0 ? [...STATES.filter((state) => entered(invoice, state)), ...exits] : [...STATES];
  const present = states.indexOf(invoice.status as (typeof states)[number]);
  return (
    <ol className="way" aria-label="Life of the invoice">
      {states.map((state, index) => {
        const since = entered(invoice, state);
        const place = index === present ? "now" : index < present ? (since ? "past" : "skipped") : "ahead";
        return (
          <li key={state} className={`way-${place}`} aria-current={place === "now" ? "step" : undefined}>
            <span className="way-name">{label("InvoiceStatus", state)}</span>
            <small>{place === "ahead" ? "" : since ? moment(since, viewer.clinic.timeZone).split(",").slice(0, 2).join(",") : place === "skipped" ? "not needed" : ""}</small>
          </li>
        );
      })}
    </ol>
  );
}

/** When an invoice last came into a state; null if it never did. */
function entered(invoice: InvoiceRecord, state: string): string | null {
  const events = invoice.history.filter(({fromStatus, toStatus}) => toStatus === state && fromStatus !== state);
  return events.map(({at}) => at).sort().at(-1) ?? null;
}
