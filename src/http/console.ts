import type { Route } from "./answer.ts";

/** "/console" leads to the folder "/console/", so that the page finds what stands beside it. Relative, for proxies that add a path. */
export const consoleAddress: Route = {
  path: "/console",
  for: "served",
  bodyLimitBytes: 0,
  answers: { GET: (_asked, response) => void response.writeHead(308, { location: "console/" }).end() },
};
