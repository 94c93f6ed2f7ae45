import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";

/**
 * A body is read as what it says that it is, or not at all: of one of these types, in UTF-8, as it is. Compressed, or read by
 * another table of characters, it would be taken for something that nobody sent.
 * @throws Problem `unsupported_media_type`, which names the header
 */
export function refuseOtherForms(c: Context<HttpEnv>, types: readonly [string, ...string[]], what: string): void {
  const [type, ...parameters] = (c.req.header("content-type") ?? "").toLowerCase().split(";");
  if (!types.includes((type ?? "").trim())) throw unread(`Send ${what} as ${types[0]}.`);
  const coding = c.req.header("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity")
    throw unread(`Send ${what} as it is, not compressed: no Content-Encoding is read here.`, { "accept-encoding": "identity" });
  const charsets = parameters.flatMap((one) => /^\s*charset\s*=\s*"?([^"]*?)"?\s*$/.exec(one)?.[1] ?? []);
  if (charsets.some((charset) => charset !== "utf-8" && charset !== "utf8"))
    throw unread(`Send ${what} in UTF-8, and say no other charset in Content-Type.`);
}

const unread = (detail: string, headers: Readonly<Record<string, string>> = {}): Problem =>
  new Problem("unsupported_media_type", { detail, headers, unproven: true });
