// One invoice: where it stands, the money, and everything that happened to it.
import {Link, useParams} from "react-router";
import {useQuery} from "urql";
import {day} from "@clinic-billing/shared/days.ts";
import {useLive} from "../../app/live.ts";
import {useTitle} from "../../app/title.ts";
import {Invoice as InvoiceDocument, InvoiceChanged} from "../../generated/invoice.ts";
import type {InvoiceQuery} from "../../generated/invoice.ts";
import {Risk, Status} from "../../parts/badges.tsx";
import {Nothing, Problem, Waiting} from "../../parts/states.tsx";
import {Checks, Denials, Lines, Negotiation} from "./tables.tsx";
import {Money} from "./money.tsx";
import {Documents, History, Messages, Notes, Payers} from "./records.tsx";
import {Way} from "./way.tsx";
import {Actions} from "./actions.tsx";
import "./invoice.css";

export type InvoiceRecord = NonNullable<InvoiceQuery["invoice"]>;

/** The screen of one invoice. */
export default function Invoice() {
  const {id = ""} = useParams();
  const [{data, error, fetching, stale}, read] = useQuery({query: InvoiceDocument, variables: {id}});
  const again = () => read({requestPolicy: "network-only"});
  useLive(InvoiceChanged, {}, ({invoiceChanged}) => invoiceChanged.id === id && again(), again);
  const invoice = data?.invoice;
  useTitle(invoice?.number ?? "Invoice");
  if (error && !invoice) return <Problem error={error} />;
  if (!invoice) return fetching ? <Waiting /> : <Nothing>There is no such invoice, or it is not yours to see.</Nothing>;
  return (
    <article className="invoice">
      {error && <Problem error={error} />}
      <Head invoice={invoice} />
      <Way invoice={invoice} />
      <div className="invoice-columns">
        <div>
          <Actions invoice={invoice} isReading={fetching || stale} onChange={again} />
          <Money invoice={invoice} />
          <Lines lines={invoice.lines} billed={invoice.billedAmount} />
          <Negotiation negotiation={invoice.negotiation} />
          <Checks checks={invoice.cheques} received={invoice.receivedAmount} />
          <Denials denials={invoice.denials} />
        </div>
        <div>
          <People invoice={invoice} />
          <Payers responsibilities={invoice.responsibilities} />
          <Notes notes={invoice.internalNotes} />
          <Messages reminders={invoice.reminders} messages={invoice.outboundMessages} />
          <Documents documents={invoice.documents} />
          <History events={invoice.history} />
        </div>
      </div>
    </article>
  );
}

function Head({invoice}: {invoice: InvoiceRecord}) {
  return (
    <header className="screen-head invoice-head">
      <p className="crumb"><Link to="/invoices">Invoices</Link></p>
      <h1>{invoice.number}</h1>
      <Status value={invoice.status} />
      {invoice.risk && <span className="muted">{invoice.ageDays} days old <Risk value={invoice.risk} /></span>}
      {invoice.replaces && <span>replaces <Link to={`/invoices/${encodeURIComponent(invoice.replaces.id)}`}>{invoice.replaces.number}</Link></span>}
      {invoice.replacedBy && <span>replaced by <Link to={`/invoices/${encodeURIComponent(invoice.replacedBy.id)}`}>{invoice.replacedBy.number}</Link></span>}
      {invoice.hold && <p className="note">On hold until {day(invoice.hold.untilOn)}: {invoice.hold.reason}</p>}
    </header>
  );
}

function People({invoice}: {invoice: InvoiceRecord}) {
  const {patient, physician, facility, case: own} = invoice;
  const facts: [string, string | null | undefined][] = [
    ["Patient", patient.name],
    ["Record number", patient.mrn],
    ["Born", patient.birthDate && day(patient.birthDate)],
    ["Case", own.number],
    ["Injured", day(own.dateOfInjury)],
    ["Attorney", own.attorney && `${own.attorney.name}, ${own.attorney.firm}`],
    ["Physician", physician?.name],
    ["Facility", facility?.name],
    ["Service", day(invoice.serviceDate)],
    ["Created", day(invoice.createdOn)],
    ["Submitted", invoice.submittedOn && day(invoice.submittedOn)],
    ["Fully paid", invoice.fullyPaidOn && day(invoice.fullyPaidOn)],
  ];
  return (
    <section className="panel" aria-labelledby="people">
      <h2 id="people">Patient and case</h2>
      <dl className="facts">
        {facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </section>
  );
}
