// What somebody may do with the invoice now, and why not where it is not possible.
import {useState} from "react";
import {american} from "@clinic-billing/shared/words.ts";
import {ActionDialog} from "../../forms/action-dialog.tsx";
import type {Given} from "../../forms/values.ts";
import type {InvoiceRecord} from "./invoice.tsx";

/** The actions as buttons; each opens its form. */
export function Actions({invoice, isReading, onChange}: {invoice: InvoiceRecord; isReading: boolean; onChange: () => void}) {
  const [open, setOpen] = useState("");
  const [done, setDone] = useState("");
  // What the form was opened with stays, also when the invoice changes behind it.
  const [action, setAction] = useState<InvoiceRecord["availableActions"][number] | null>(null);
  // What the person saw when the form was opened; after a refusal, what is seen behind it.
  const [given, setGiven] = useState<Given | null>(null);
  const current = {invoiceId: invoice.id, caseId: invoice.case.id, version: invoice.version};
  const possible = invoice.availableActions.filter(({isAllowed}) => isAllowed);
  const blocked = invoice.availableActions.filter(({isAllowed}) => !isAllowed);
  const show = (next: InvoiceRecord["availableActions"][number] | null) => {
    setAction(next);
    setGiven(next && current);
    setOpen(next?.name ?? "");
  };
  return (
    <section className="panel actions" aria-labelledby="actions">
      <h2 id="actions">Actions</h2>
      {possible.length === 0 && <p className="muted">Nothing is to be done with this invoice.</p>}
      <div className="action-buttons">
        {possible.map((each) => (
          <button key={each.name} type="button" className="button quiet" disabled={isReading} onClick={() => show(each)}>
            {american(each.label)}
          </button>
        ))}
      </div>
      <p role="status" className={done ? "note done" : undefined}>{done}</p>
      {blocked.length > 0 && (
        <details>
          <summary>Not possible now ({blocked.length})</summary>
          <ul className="records">
            {blocked.map(({name, label, blockedBy}) => (
              <li key={name}>
                {american(label)}
                {blockedBy.map(({code, message}) => <small key={code}>{american(message)}</small>)}
              </li>
            ))}
          </ul>
        </details>
      )}
      {open && action && (
        <ActionDialog
          key={open}
          action={action}
          given={given ?? current}
          onDone={(words) => {
            show(null);
            setDone(`Done: ${words}`);
            onChange();
          }}
          onStale={() => {
            setGiven(null);
            onChange();
          }}
          onClose={() => show(null)}
        />
      )}
    </section>
  );
}
