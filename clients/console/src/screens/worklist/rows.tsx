// The table. Only the rows in view are in the document, so that two hundred thousand scroll like twenty.
import {useVirtualizer} from "@tanstack/react-virtual";
import {memo, useEffect, useRef} from "react";
import {Link, useSearchParams} from "react-router";
import {day} from "@clinic-billing/shared/days.ts";
import {dollars} from "@clinic-billing/shared/money.ts";
import type {InvoiceOrder, InvoiceOrderField} from "../../generated/worklist.ts";
import {Risk, Status} from "../../parts/badges.tsx";
import {Nothing, Waiting} from "../../parts/states.tsx";
import {changed} from "./address.ts";
import type {Row, usePages} from "./pages.ts";

const ROW_PX = 44;
// Loading begins before the end is reached.
const AHEAD = 60;

type Column = {name: string; className: string; order?: InvoiceOrderField};

const COLUMNS: Column[] = [
  {name: "Invoice", className: "col-number", order: "NUMBER"},
  {name: "Patient", className: "col-patient"},
  {name: "Payer", className: "col-payer"},
  {name: "Law firm", className: "col-firm"},
  {name: "Physician", className: "col-physician"},
  {name: "Status", className: "col-status"},
  {name: "Service", className: "col-service", order: "SERVICE_DATE"},
  {name: "Age", className: "col-age", order: "AGE"},
  {name: "Billed", className: "col-billed number", order: "BILLED_AMOUNT"},
  {name: "Balance", className: "col-balance number", order: "BALANCE"},
];

/** The rows of the list. */
export function Rows({pages, total, orderBy}: {pages: ReturnType<typeof usePages>; total: number; orderBy: InvoiceOrder}) {
  const scroller = useRef<HTMLDivElement>(null);
  const {rows, more, isCurrent, key} = pages;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - AHEAD) more();
  }, [last, rows.length, more]);
  useEffect(() => scroller.current?.scrollTo({top: 0}), [key]);
  if (!isCurrent && rows.length === 0) return <Waiting />;
  if (rows.length === 0) return pages.error ? null : <Nothing>No invoice matches.</Nothing>;
  return (
    <div className={isCurrent ? "table" : "table stale"} role="table" aria-label="Invoices" aria-rowcount={total + 1} aria-busy={!isCurrent}>
      <div ref={scroller} className="table-scroll" tabIndex={0} role="rowgroup" aria-label="Invoices">
        <Head orderBy={orderBy} />
        <div className="table-body" role="presentation" style={{height: virtual.getTotalSize()}}>
          {shown.map(({index, start}) => <One key={rows[index]!.id} row={rows[index]!} index={index} start={start} />)}
        </div>
      </div>
    </div>
  );
}

function Head({orderBy}: {orderBy: InvoiceOrder}) {
  const [address, setAddress] = useSearchParams();
  const turn = (field: InvoiceOrderField) => {
    const isDescending = orderBy.field === field && orderBy.direction === "DESC";
    setAddress(changed(address, "order", `${field}.${isDescending ? "ASC" : "DESC"}`));
  };
  return (
    <div className="table-row table-head" role="row" aria-rowindex={1}>
      {COLUMNS.map(({name, className, order}) => {
        const isOrdered = order !== undefined && orderBy.field === order;
        const sort = isOrdered ? (orderBy.direction === "ASC" ? "ascending" : "descending") : undefined;
        return (
          <span key={name} role="columnheader" className={className} aria-sort={sort}>
            {order ? (
              <button type="button" className="sort" onClick={() => turn(order)}>
                {name}
                <span aria-hidden="true" className="sort-mark">{sort === "ascending" ? "↑" : sort === "descending" ? "↓" : ""}</span>
              </button>
            ) : (
              name
            )}
          </span>
        );
      })}
    </div>
  );
}

// Scrolling draws only the rows that come into view.
const One = memo(function One({row, index, start}: {row: Row; index: number; start: number}) {
  return (
    <div className="table-row" role="row" aria-rowindex={index + 2} style={{transform: `translateY(${start}px)`}}>
      <span role="cell" className="col-number">
        <Link className="row-link" to={`/invoices/${encodeURIComponent(row.id)}`}>{row.number}</Link>
      </span>
      <span role="cell" className="col-patient">{row.patient.name}</span>
      <span role="cell" className="col-payer">{row.payer.name}</span>
      <span role="cell" className="col-firm">{row.case.attorney?.firm}</span>
      <span role="cell" className="col-physician">{row.physician?.name}</span>
      <span role="cell" className="col-status"><Status value={row.status} /></span>
      <span role="cell" className="col-service">{day(row.serviceDate)}</span>
      <span role="cell" className="col-age">{row.risk && <>{row.ageDays} days <Risk value={row.risk} /></>}</span>
      <span role="cell" className="col-billed number">{dollars(row.billedAmount)}</span>
      <span role="cell" className="col-balance number">{dollars(row.balance)}</span>
    </div>
  );
});
