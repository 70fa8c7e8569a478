// The title of the tab names the screen.
import {useEffect} from "react";

/** Name the screen in the tab. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Clinic Billing`;
  }, [name]);
}
