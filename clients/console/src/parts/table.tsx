// A plain table within a panel: few rows, all of them shown.
import {useId} from "react";
import type {ReactNode} from "react";

type Column = {name: string; isNumber?: boolean};
type Props = {
  title: string;
  columns: Column[];
  rows: {id: string; cells: ReactNode[]}[];
  note?: string | undefined;
  foot?: ReactNode[];
  after?: ReactNode;
};

/** A panel with a table. */
export function Table({title, columns, rows, note, foot, after}: Props) {
  const id = useId();
  const className = (index: number) => (columns[index]?.isNumber ? "number" : undefined);
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {note && <p className="muted">{note}</p>}
      {rows.length > 0 && (
        <div className="table-wide" tabIndex={0} role="group" aria-labelledby={id}>
          <table className="plain">
            <thead>
              <tr>{columns.map(({name}, index) => <th key={name} scope="col" className={className(index)}>{name}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>{row.cells.map((cell, index) => <td key={columns[index]!.name} className={className(index)}>{cell}</td>)}</tr>
              ))}
            </tbody>
            {foot && (
              <tfoot>
                <tr>{foot.map((cell, index) => <td key={columns[index]!.name} className={className(index)}>{cell}</td>)}</tr>
              </tfoot>
            )}
          </table>
        </div>
      )}
      {after}
    </section>
  );
}
