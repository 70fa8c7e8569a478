// Today: what is to be done, what is owed by age, and this month's figures.
import {useQuery} from "urql";
import {Link} from "react-router";
import {day, today} from "@clinic-billing/shared/days.ts";
import {dollars, wholeDollars} from "@clinic-billing/shared/money.ts";
import {counted} from "@clinic-billing/shared/words.ts";
import {useShell} from "../../app/context.ts";
import {useLive} from "../../app/live.ts";
import {useTitle} from "../../app/title.ts";
import {ActionItems as ActionItemsDocument, ActionItemsChanged, Today as TodayDocument} from "../../generated/today.ts";
import type {TodayQuery} from "../../generated/today.ts";
import {Problem, Waiting} from "../../parts/states.tsx";
import {ActionItems} from "./action-items.tsx";
import {Aging} from "./aging.tsx";
import "./today.css";

/** The first screen of billing staff. */
export default function Today() {
  const {viewer} = useShell();
  useTitle("Today");
  const to = today(viewer.clinic.timeZone);
  const [{data, error}, read] = useQuery({query: TodayDocument, variables: {from: `${to.slice(0, 8)}01`, to}});
  // The list takes longer than the figures, which are shown first.
  const [items, readItems] = useQuery({query: ActionItemsDocument});
  const again = () => {
    read({requestPolicy: "network-only"});
    readItems({requestPolicy: "network-only"});
  };
  useLive(ActionItemsChanged, {}, again, again);
  if (!data) return error ? <Problem error={error} /> : <Waiting />;
  return (
    <div className="today">
      <header className="screen-head">
        <h1>Today</h1>
        <p className="muted">{day(data.aging.asOf)}</p>
      </header>
      {error && <Problem error={error} />}
      <Figures data={data} />
      <div className="today-columns">
        <ActionItems found={items.data?.actionItems} error={items.error} now={to} />
        <div>
          <Aging aging={data.aging} />
          <Stages data={data} />
          <Worklists lists={data.worklists} />
        </div>
      </div>
    </div>
  );
}

function Figures({data}: {data: TodayQuery}) {
  const month = new Intl.DateTimeFormat("en-US", {month: "long", timeZone: "UTC"}).format(new Date(data.aging.asOf));
  return (
    <dl className="figures">
      <Figure label="Outstanding" value={data.aging.outstanding} note={counted(data.aging.invoiceCount, "open invoice")} to="/invoices?status=PENDING_INVOICE&status=PENDING_REDUCTION&status=PENDING_CHEQUE&order=AGE.DESC" />
      <Figure label={`Billed in ${month}`} value={data.analytics.billed} note={counted(data.analytics.invoiceCount, "invoice")} />
      <Figure label="Received of it" value={data.analytics.received} note={`for ${month}’s invoices`} />
      <Figure label="Checks to settle" value={data.received.sums.received} note={counted(data.received.totalCount, "invoice")} to="/invoices?status=CHEQUE_RECEIVED" />
    </dl>
  );
}

function Figure({label, value, note, to}: {label: string; value: string; note: string; to?: string}) {
  return (
    <div className="figure">
      <dt>{to ? <Link to={to}>{label}</Link> : label}</dt>
      <dd title={dollars(value)}>{wholeDollars(value)}</dd>
      <dd className="figure-note">{note}</dd>
    </div>
  );
}

function Stages({data}: {data: TodayQuery}) {
  const {label} = useShell();
  const stages = [
    {status: "PENDING_INVOICE", ...data.unsubmitted},
    {status: "PENDING_REDUCTION", ...data.negotiating},
    {status: "PENDING_CHEQUE", ...data.awaiting},
  ];
  return (
    <section className="panel" aria-labelledby="stages">
      <h2 id="stages">Where open invoices stand</h2>
      <table className="plain">
        <thead>
          <tr><th scope="col">Status</th><th scope="col" className="number">Invoices</th><th scope="col" className="number">Balance</th></tr>
        </thead>
        <tbody>
          {stages.map(({status, totalCount, sums}) => (
            <tr key={status}>
              <th scope="row"><Link to={`/invoices?status=${status}`}>{label("InvoiceStatus", status)}</Link></th>
              <td className="number">{totalCount.toLocaleString("en-US")}</td>
              <td className="number">{dollars(sums.balance)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Worklists({lists}: {lists: TodayQuery["worklists"]}) {
  const {label} = useShell();
  return (
    <section className="panel" aria-labelledby="worklists">
      <h2 id="worklists">Worth a look</h2>
      <table className="plain">
        <thead>
          <tr><th scope="col">Invoices</th><th scope="col" className="number">Count</th><th scope="col" className="number">Balance</th></tr>
        </thead>
        <tbody>
          {lists.map(({name, count, balance}) => (
            <tr key={name}>
              <th scope="row"><Link to={`/invoices?worklist=${name}`}>{label("WorklistName", name)}</Link></th>
              <td className="number">{count.toLocaleString("en-US")}</td>
              <td className="number">{dollars(balance)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
