import type { Knock } from "../../src/caller/dialect.ts";

/** A request that says nothing but where it goes. */
export const bareKnock: Knock = { target: "/", query: new URLSearchParams(), headers: {} };
