// What every screen knows: who is signed in, the labels of enum values, the connection.
import {createContext, useContext} from "react";
import type {ViewerQuery} from "../generated/shell.ts";
import type {apiClient} from "./api.ts";

export type Viewer = NonNullable<ViewerQuery["viewer"]>;

export type ShellContext = {
  viewer: Viewer;
  /** The label of an enum value, in US English. */
  label: (name: string, value: string) => string;
  connection: ReturnType<typeof apiClient>["connection"];
  /** The client for the pages of long lists, without a cache. */
  lists: ReturnType<typeof apiClient>["lists"];
};

export const Context = createContext<ShellContext | null>(null);

/** What the shell knows; only within it. */
export function useShell(): ShellContext {
  const found = useContext(Context);
  if (!found) throw new Error("this is shown within the shell");
  return found;
}
