// A bar whose length says what the text beside it says, too.
import type {CSSProperties} from "react";

/** A bar of a share between 0 and 1; only for the eye. */
export function Bar({share, className}: {share: number; className: string}) {
  return <span className={`bar ${className}`} aria-hidden="true" style={{"--share": share} as CSSProperties} />;
}
