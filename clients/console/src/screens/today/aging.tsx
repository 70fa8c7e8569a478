// What is owed by age: a bar for each bucket, which opens its invoices.
import {Link} from "react-router";
import {dollars, thousandths} from "@clinic-billing/shared/money.ts";
import {counted} from "@clinic-billing/shared/words.ts";
import {useShell} from "../../app/context.ts";
import type {TodayQuery} from "../../generated/today.ts";
import {Risk, riskClass} from "../../parts/badges.tsx";
import {Bar} from "../../parts/bar.tsx";

/** The aging buckets. */
export function Aging({aging}: {aging: TodayQuery["aging"]}) {
  const {label} = useShell();
  const most = aging.buckets.reduce((found, {outstanding}) => Math.max(found, thousandths(outstanding, aging.outstanding)), 1);
  return (
    <section className="panel" aria-labelledby="aging">
      <h2 id="aging">Outstanding by age</h2>
      <ul className="aging">
        {aging.buckets.map(({bucket, risk, invoiceCount, outstanding}) => (
          <li key={bucket}>
            <Link to={`/invoices?agingBucket=${bucket}`} className="aging-row">
              <span className="aging-name">{label("AgingBucket", bucket)}</span>
              <Risk value={risk} />
              <span className="number aging-amount">{dollars(outstanding)}</span>
              <Bar className={riskClass(risk)} share={thousandths(outstanding, aging.outstanding) / most} />
              <span className="muted aging-count">{counted(invoiceCount, "invoice")}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
