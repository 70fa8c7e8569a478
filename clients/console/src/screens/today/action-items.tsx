// The action items by kind, those that have waited longest first.
import {Link} from "react-router";
import {fromToday} from "@clinic-billing/shared/days.ts";
import {dollars} from "@clinic-billing/shared/money.ts";
import {american} from "@clinic-billing/shared/words.ts";
import {useShell} from "../../app/context.ts";
import type {CombinedError} from "urql";
import type {ActionItemsQuery} from "../../generated/today.ts";
import {Nothing, Problem, Waiting} from "../../parts/states.tsx";

type Found = ActionItemsQuery["actionItems"];
type Item = Found["nodes"][number];

const SHOWN_OF_A_KIND = 4;

/** What is to be done, by kind. */
export function ActionItems({found, error, now}: {found: Found | undefined; error: CombinedError | undefined; now: string}) {
  return (
    <section className="panel" aria-labelledby="to-do" aria-busy={!found}>
      <h2 id="to-do">To do {found && <span className="count">{found.totalCount.toLocaleString("en-US")}</span>}</h2>
      {error && <Problem error={error} />}
      {found ? <Kinds items={found.nodes} total={found.totalCount} now={now} /> : !error && <Waiting />}
    </section>
  );
}

function Kinds({items, total, now}: {items: Item[]; total: number; now: string}) {
  const {label} = useShell();
  const kinds = [...Map.groupBy(items, ({kind}) => kind)];
  return (
    <>
      {kinds.length === 0 && <Nothing>Nothing is due. Enjoy the quiet.</Nothing>}
      {kinds.map(([kind, found]) => (
        <div key={kind} className="kind">
          <h3>{label("ActionItemKind", kind)} <span className="count">{found.length}</span></h3>
          <ul>
            {found.slice(0, SHOWN_OF_A_KIND).map((item) => <Row key={item.id} item={item} now={now} />)}
          </ul>
          {found.length > SHOWN_OF_A_KIND && (
            <details>
              <summary>{found.length - SHOWN_OF_A_KIND} more</summary>
              <ul>{found.slice(SHOWN_OF_A_KIND).map((item) => <Row key={item.id} item={item} now={now} />)}</ul>
            </details>
          )}
        </div>
      ))}
      {total > items.length && <p className="muted">The first {items.length} of {total.toLocaleString("en-US")}.</p>}
    </>
  );
}

function Row({item, now}: {item: Item; now: string}) {
  const {invoice} = item;
  const isLate = item.dueOn < now;
  return (
    <li className="item">
      <span className="item-text">
        {invoice ? <Link to={`/invoices/${encodeURIComponent(invoice.id)}`}>{american(item.subject)}</Link> : american(item.subject)}
        {invoice && <small>{invoice.number} · {invoice.patient.name} · {invoice.payer.name}</small>}
      </span>
      <span className={isLate ? "item-due late" : "item-due"}>{fromToday(item.dueOn, now)}</span>
      <span className="number item-amount">{invoice && dollars(invoice.balance)}</span>
    </li>
  );
}
