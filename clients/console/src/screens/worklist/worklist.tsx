// The list of invoices: filter and order in its address, sums of the server, rows that are drawn as they come into view.
import {useSearchParams} from "react-router";
import {useQuery} from "urql";
import {dollars} from "@clinic-billing/shared/money.ts";
import {counted} from "@clinic-billing/shared/words.ts";
import {useTitle} from "../../app/title.ts";
import {WorklistSums} from "../../generated/worklist.ts";
import {Problem} from "../../parts/states.tsx";
import {filterOf, orderOf} from "./address.ts";
import {Filters} from "./filters.tsx";
import {usePages} from "./pages.ts";
import {Rows} from "./rows.tsx";
import "./worklist.css";

/** The screen of all invoices. */
export default function Worklist() {
  useTitle("Invoices");
  const [address] = useSearchParams();
  const filter = filterOf(address);
  const orderBy = orderOf(address);
  const [sums, readSums] = useQuery({query: WorklistSums, variables: {filter}, requestPolicy: "network-only"});
  const pages = usePages(filter, orderBy, () => readSums({requestPolicy: "network-only"}));
  const found = sums.data?.invoices;
  return (
    <div className="worklist">
      <header className="screen-head">
        <h1>Invoices</h1>
        <p className="muted sums" role="status">
          {found && (
            <>
              <strong>{counted(found.totalCount, "invoice")}</strong> · billed {dollars(found.sums.billed)} · received{" "}
              {dollars(found.sums.received)} · balance <strong>{dollars(found.sums.balance)}</strong>
            </>
          )}
        </p>
      </header>
      <Filters />
      {pages.error && <Problem error={pages.error} />}
      <Rows pages={pages} total={found?.totalCount ?? 0} orderBy={orderBy} />
    </div>
  );
}
