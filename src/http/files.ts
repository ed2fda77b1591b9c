import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { answerProblem, type Asked, type Route } from "./answer.ts";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".wav": "audio/wav",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/** A folder's files, read only, of the kinds in `only` (default: all that a page is made of). Hidden files and what lies outside do not exist. */
export function files(path: string, folder: string, only: readonly string[] = Object.keys(types)): Route {
  return {
    path,
    for: "served",
    bodyLimitBytes: 0,
    answers: { GET: answer },
  };

  async function answer({ request, rest }: Asked, response: ServerResponse): Promise<void> {
    const file = await find(folder, rest === "" ? "index.html" : rest, only);
    if (file === undefined) return answerProblem(response, 404, "not-found", `there is nothing at ${path}${rest.slice(0, 200)}`);
    const etag = `"${file.size.toString(36)}-${Math.trunc(file.mtimeMs).toString(36)}"`;
    // Always asked for again, mostly answered by 304: a page never mixes files of two versions.
    response.setHeader("cache-control", "no-cache");
    response.setHeader("etag", etag);
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { "content-type": types[extname(file.path)] ?? "application/octet-stream", "content-length": file.size });
    if (request.method === "HEAD") return void response.end();
    await pipeline(createReadStream(file.path), response);
  }
}

interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

async function find(folder: string, escaped: string, only: readonly string[]): Promise<FoundFile | undefined> {
  const name = unescaped(escaped);
  if (name === undefined || /[\\\0]/.test(name) || name.split("/").some((part) => part === "" || part.startsWith("."))) return undefined;
  if (!only.includes(extname(name))) return undefined;
  try {
    const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    const found = await stat(path);
    return path.startsWith(root + sep) && found.isFile() ? { path, size: found.size, mtimeMs: found.mtimeMs } : undefined;
  } catch (error) {
    // "Not there" in its many forms; anything else is ours to know.
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    throw error;
  }
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
