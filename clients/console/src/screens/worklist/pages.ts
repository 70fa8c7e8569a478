// The rows of the list: page after page from where the last one ended (keyset paging), and their changes as they happen.
import {useCallback, useEffect, useRef, useState} from "react";
import type {CombinedError} from "urql";
import {useShell} from "../../app/context.ts";
import {useLive} from "../../app/live.ts";
import {Worklist, WorklistChanged} from "../../generated/worklist.ts";
import type {InvoiceFilter, InvoiceOrder, WorklistQuery} from "../../generated/worklist.ts";

export type Row = WorklistQuery["invoices"]["nodes"][number];

const PAGE = 100;

type Pages = {key: string; rows: Row[]; next: string | null; hasNext: boolean; error: CombinedError | null};

/** The rows that are loaded, and a way to load more. */
export function usePages(filter: InvoiceFilter, orderBy: InvoiceOrder, onChange: () => void) {
  const {lists} = useShell();
  const key = JSON.stringify({filter, orderBy});
  const [pages, setPages] = useState<Pages>({key: "", rows: [], next: null, hasNext: true, error: null});
  const asking = useRef("");

  const load = useCallback(
    async (after: string | null) => {
      const asked = `${key} ${after}`;
      if (asking.current === asked) return;
      asking.current = asked;
      const {filter, orderBy} = JSON.parse(key) as {filter: InvoiceFilter; orderBy: InvoiceOrder};
      const {data, error} = await lists.query(Worklist, {filter, orderBy, first: PAGE, after}).toPromise();
      // Another list was asked for meanwhile.
      if (asking.current !== asked) return;
      asking.current = "";
      setPages((before) => {
        if (!data) return {...before, key, error: error ?? null, rows: before.key === key ? before.rows : []};
        const {nodes, pageInfo} = data.invoices;
        const rows = after === null ? nodes : [...before.rows, ...nodes];
        return {key, rows, next: pageInfo.endCursor ?? null, hasNext: pageInfo.hasNextPage, error: null};
      });
    },
    [lists, key],
  );
  useEffect(() => void load(null), [load]);

  useLive(
    WorklistChanged,
    {filter},
    ({invoiceChanged}) => {
      setPages((before) => ({...before, rows: before.rows.map((row) => (row.id === invoiceChanged.id ? invoiceChanged : row))}));
      onChange();
    },
    () => {
      void load(null);
      onChange();
    },
  );
  const isCurrent = pages.key === key;
  const more = useCallback(() => {
    if (isCurrent && pages.hasNext && !pages.error) void load(pages.next);
  }, [isCurrent, pages, load]);
  return {...pages, isCurrent, more, again: () => load(null)};
}
