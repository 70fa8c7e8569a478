import react from "@vitejs/plugin-react";
import {defineConfig} from "vite";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: process.env.CLIENT_OUTPUT ?? "../../server/http/apps/console",
    emptyOutDir: true,
    // Data URLs and inline code would need an exception of the Content Security Policy.
    assetsInlineLimit: 0,
    modulePreload: {polyfill: false},
    manifest: false,
    sourcemap: false,
  },
});
