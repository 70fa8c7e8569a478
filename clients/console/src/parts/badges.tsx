// Status and risk: a color and always its word.
import {useShell} from "../app/context.ts";

/** The status of an invoice. */
export function Status({value}: {value: string}) {
  const {label} = useShell();
  return <span className={`status status-${value.toLowerCase().replaceAll("_", "-")}`}>{label("InvoiceStatus", value)}</span>;
}

/** The risk that an invoice is never paid. */
export function Risk({value}: {value: string}) {
  const {label} = useShell();
  return (
    <span className={`risk ${riskClass(value)}`}>
      <span className="risk-dot" aria-hidden="true" />
      {label("AgingRisk", value)}
    </span>
  );
}

/** The class with the color of a risk. */
export function riskClass(value: string): string {
  return `risk-${value.toLowerCase().replaceAll("_", "-")}`;
}
