// What the invoice bills, and what came of it: lines, negotiation, checks, denials.
import {day} from "@clinic-billing/shared/days.ts";
import {dollars} from "@clinic-billing/shared/money.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {useShell} from "../../app/context.ts";
import {Table} from "../../parts/table.tsx";
import type {InvoiceRecord} from "./invoice.tsx";

/** The lines with their sum, which is the server's. */
export function Lines({lines, billed}: {lines: InvoiceRecord["lines"]; billed: string}) {
  return (
    <Table
      title="Lines"
      columns={[{name: "Code"}, {name: "Treatment"}, {name: "Units", isNumber: true}, {name: "Price", isNumber: true}, {name: "Amount", isNumber: true}]}
      rows={lines.map((line) => ({
        id: line.id,
        cells: [line.cptCode, line.bilateral ? `${line.label} (bilateral)` : line.label, line.units, dollars(line.unitPrice), dollars(line.amount)],
      }))}
      foot={["", "", "", "Billed", dollars(billed)]}
    />
  );
}

/** The rounds of the negotiation, with what only the clinic's staff may know: the least it would take. */
export function Negotiation({negotiation}: {negotiation: InvoiceRecord["negotiation"]}) {
  const {label} = useShell();
  if (negotiation.offers.length === 0 && !negotiation.floorAmount && negotiation.agreements.length === 0) return null;
  const limits = [
    negotiation.floorAmount && `Floor ${dollars(negotiation.floorAmount)}`,
    negotiation.targetAmount && `Target ${dollars(negotiation.targetAmount)}`,
    negotiation.conditionalUntil && `Holds only if paid by ${day(negotiation.conditionalUntil)}`,
  ].filter(Boolean);
  const offers = negotiation.offers.map((offer) => ({
    id: offer.id,
    cells: [
      offer.round,
      label("Party", offer.party),
      dollars(offer.amount),
      label("OfferStatus", offer.status),
      offer.expiresOn ? day(offer.expiresOn) : "",
      <>{offer.reason && american(offer.reason)}<small>{offer.madeBy.name}</small></>,
    ],
  }));
  const agreements = negotiation.agreements.map((agreement) => (
    <li key={agreement.id}>
      {label("AgreementKind", agreement.kind)}
      {agreement.amount && ` for ${dollars(agreement.amount)}`} on {day(agreement.agreedOn)}
      {agreement.endedOn && `, ended ${day(agreement.endedOn)}`}
    </li>
  ));
  return (
    <Table
      title="Negotiation"
      note={limits.length > 0 ? limits.join(" · ") : undefined}
      columns={[{name: "Round"}, {name: "By"}, {name: "Amount", isNumber: true}, {name: "Status"}, {name: "Expires"}, {name: "Why"}]}
      rows={offers}
      after={agreements.length > 0 && <ul className="agreements">{agreements}</ul>}
    />
  );
}

/** The checks and other payments that count for the invoice. */
export function Checks({checks, received}: {checks: InvoiceRecord["cheques"]; received: string}) {
  const {label} = useShell();
  if (checks.length === 0) return null;
  return (
    <Table
      title="Checks and payments"
      columns={[{name: "Number"}, {name: "From"}, {name: "Method"}, {name: "Received"}, {name: "Status"}, {name: "Amount", isNumber: true}]}
      rows={checks.map(({id, amount, reversalKind, effectiveOn, cheque}) => ({
        id,
        cells: [
          cheque.number,
          cheque.payer.name,
          label("PaymentMethod", cheque.method),
          day(reversalKind ? effectiveOn : cheque.receivedOn),
          reversalKind ? label("ReversalKind", reversalKind) : label("ChequeStatus", cheque.status),
          dollars(amount),
        ],
      }))}
      foot={["", "", "", "", "Received", dollars(received)]}
    />
  );
}

/** What payers refused to pay. */
export function Denials({denials}: {denials: InvoiceRecord["denials"]}) {
  const {label} = useShell();
  if (denials.length === 0) return null;
  return (
    <Table
      title="Denials"
      columns={[{name: "Denied"}, {name: "Reason"}, {name: "Status"}, {name: "Appeal by"}, {name: "Amount", isNumber: true}]}
      rows={denials.map(({id, deniedOn, reasonCode, status, appealDueOn, amount, note}) => ({
        id,
        cells: [
          day(deniedOn),
          <>{reasonCode}{note && <small>{american(note)}</small>}</>,
          label("DenialStatus", status),
          appealDueOn ? day(appealDueOn) : "",
          amount ? dollars(amount) : "all",
        ],
      }))}
    />
  );
}
