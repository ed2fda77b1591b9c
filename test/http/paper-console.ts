import { fileURLToPath } from "node:url";
import { consoleAddress } from "../../src/http/console.ts";
import { files } from "../../src/http/files.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import type { AccessOptions } from "../../src/http/access.ts";
import { openHouse, type House } from "../caller/open-house.ts";
import { Switchboard } from "./switchboard.ts";

export interface PaperConsole extends AsyncDisposable {
  readonly board: Switchboard;
  readonly house: House;
  /** Where the page is. */
  readonly url: string;
}

/** The console's page and the API behind it, over calls and providers of paper; in real time, for a browser to look at. */
export async function openPaperConsole(access: Partial<AccessOptions> = {}, port = 0): Promise<PaperConsole> {
  const board = new Switchboard(systemClock);
  const publicFolder = fileURLToPath(new URL("../../public/", import.meta.url));
  const routes = [...board.routes, consoleAddress, files("/console/", `${publicFolder}console/`), files("/", publicFolder)];
  const house = await openHouse({ routes, access, port });
  return {
    board,
    house,
    url: `${house.url}/console`,
    [Symbol.asyncDispose]: async () => {
      board[Symbol.dispose]();
      await house[Symbol.asyncDispose]();
    },
  };
}
