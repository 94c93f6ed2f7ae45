/** What the demo's chapters share. */
import { join } from "node:path";
import type { Instant } from "../../src/lib/instant.ts";
import type { Stack } from "../stack.ts";
import type { ApiClient } from "./api-client.ts";

export const data = join(import.meta.dirname, "..", "data");
export const importedAt = "2026-11-18T15:00:00Z" as Instant;

export interface Demo {
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly org: string;
}
