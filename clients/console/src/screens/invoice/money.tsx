// The money of an invoice, as the server computes it.
import {cents, dollars, thousandths} from "@clinic-billing/shared/money.ts";
import {Bar} from "../../parts/bar.tsx";
import type {InvoiceRecord} from "./invoice.tsx";

/** Billed, agreed, received, and what is left. */
export function Money({invoice}: {invoice: InvoiceRecord}) {
  const reduction = invoice.negotiation.reductionAmount;
  const rest: [string, string | null][] = [
    ["Contractual adjustment", invoice.contractualAmount],
    ["Reduction granted", reduction],
    ["Written off", invoice.writtenOffAmount],
  ];
  return (
    <section className="panel" aria-labelledby="money">
      <h2 id="money">Money</h2>
      <dl className="amounts">
        <div><dt>Billed</dt><dd>{dollars(invoice.billedAmount)}</dd></div>
        <div><dt>Agreed</dt><dd>{invoice.agreedAmount ? dollars(invoice.agreedAmount) : <span className="muted">not yet</span>}</dd></div>
        <div><dt>Received</dt><dd>{dollars(invoice.receivedAmount)}</dd></div>
        <div className="amount-balance"><dt>Balance</dt><dd>{dollars(invoice.balance)}</dd></div>
      </dl>
      <Bar className="bar-received" share={thousandths(invoice.receivedAmount, invoice.agreedAmount ?? invoice.billedAmount) / 1000} />
      <p className="muted money-rest">
        {rest.filter(([, amount]) => amount && cents(amount) !== 0n).map(([name, amount]) => `${name} ${dollars(amount!)}`).join(" · ")}
      </p>
    </section>
  );
}
