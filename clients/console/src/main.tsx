// The styles come first, so that those of a screen count above them.
import "./style/base.css";
import "./style/parts.css";
import "./style/shell.css";
import "./forms/forms.css";
import {StrictMode} from "react";
import {createRoot} from "react-dom/client";
import {joinOtherTabs} from "@clinic-billing/shared/session.ts";
import {App} from "./app/app.tsx";

await joinOtherTabs();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
