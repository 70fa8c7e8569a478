// What stands beside the money: who owed it, notes, reminders, documents, history.
import type {ReactNode} from "react";
import {day, moment} from "@clinic-billing/shared/days.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {useShell} from "../../app/context.ts";
import type {InvoiceRecord} from "./invoice.tsx";

function Records({title, children}: {title: string; children: ReactNode[]}) {
  if (children.length === 0) return null;
  return (
    <section className="panel" aria-label={title}>
      <h2>{title}</h2>
      <ul className="records">{children}</ul>
    </section>
  );
}

/** Who owes the open part now, and who did before. */
export function Payers({responsibilities}: {responsibilities: InvoiceRecord["responsibilities"]}) {
  const {label} = useShell();
  return (
    <Records title="Who owes it">
      {responsibilities.toReversed().map(({id, payer, fromOn, until, reason}) => (
        <li key={id}>
          <strong>{payer.name}</strong>
          <small>{until ? `${day(fromOn)} to ${day(until)}` : `since ${day(fromOn)}`} · {label("ResponsibilityReason", reason)}</small>
        </li>
      ))}
    </Records>
  );
}

/** What staff wrote down. */
export function Notes({notes}: {notes: InvoiceRecord["internalNotes"]}) {
  const {viewer} = useShell();
  return (
    <Records title="Internal notes">
      {notes.map(({id, body, writtenAt, writtenBy}) => (
        <li key={id}>
          <span className="note-body">{body}</span>
          <small>{writtenBy?.name ?? "Imported"}, {moment(writtenAt, viewer.clinic.timeZone)}</small>
        </li>
      ))}
    </Records>
  );
}

/** Reminders of staff, and messages to payers. */
export function Messages({reminders, messages}: {reminders: InvoiceRecord["reminders"]; messages: InvoiceRecord["outboundMessages"]}) {
  const {label} = useShell();
  return (
    <Records title="Reminders and messages">
      {[
        ...reminders.map(({id, subject, dueOn, status}) => (
          <li key={id}>{american(subject)}<small>{day(dueOn)} · {label("ReminderStatus", status)}</small></li>
        )),
        ...messages.map(({id, subject, recipient, dueOn, status}) => (
          <li key={id}>{american(subject)}<small>to {recipient} · {day(dueOn)} · {label("MessageStatus", status)}</small></li>
        )),
      ]}
    </Records>
  );
}

/** The documents that name the invoice. */
export function Documents({documents}: {documents: InvoiceRecord["documents"]}) {
  const {label, viewer} = useShell();
  return (
    <Records title="Documents">
      {documents.map(({id, kind, number, issuedAt, recipient, status}) => (
        <li key={id}>
          {label("IssuedDocumentKind", kind)} {number}
          <small>to {recipient} · {moment(issuedAt, viewer.clinic.timeZone)} · {label("DocumentStatus", status)}</small>
        </li>
      ))}
    </Records>
  );
}

/** What happened, the newest first. */
export function History({events}: {events: InvoiceRecord["history"]}) {
  const {label, viewer} = useShell();
  return (
    <Records title="History">
      {events.toReversed().map(({id, at, by, transition, fromStatus, toStatus}) => (
        <li key={id}>
          <span>
            {sentence(transition)}
            {fromStatus !== toStatus && <span className="muted"> → {label("InvoiceStatus", toStatus)}</span>}
          </span>
          <small>{by?.name ?? "The system"}, {moment(at, viewer.clinic.timeZone)}</small>
        </li>
      ))}
    </Records>
  );
}

/** The name of a transition as words: record_cheque is "Record check". */
function sentence(transition: string): string {
  const words = american(transition.replaceAll("_", " "));
  return words[0]!.toUpperCase() + words.slice(1);
}
