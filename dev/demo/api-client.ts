/** The public API as an integrator calls it: a key, JSON, and an Idempotency-Key on every POST. */
import { randomUUID } from "node:crypto";

// oxlint-disable-next-line typescript/no-explicit-any -- the demo prints what the wire says
export type Json = any;

export interface ApiClient {
  readonly origin: string;
  readonly key: string;
  get(path: string): Promise<Json>;
  post(path: string, body: unknown): Promise<Json>;
  patch(path: string, body: unknown): Promise<Json>;
  put(path: string, contentType: string, body: Uint8Array<ArrayBuffer>): Promise<Json>;
  /** Every page of a list, at most `pagesMax`. */
  all(path: string, pagesMax?: number): Promise<Json[]>;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly problem: Json;
  constructor(request: string, status: number, problem: Json) {
    super(
      `${request} answered ${status} ${problem?.code ?? ""}: ${problem?.detail ?? ""} ${JSON.stringify(problem?.errors ?? [])}`,
    );
    this.status = status;
    this.problem = problem;
  }
}

export function apiClient(origin: string, key: string): ApiClient {
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: RequestInit["body"],
  ): Promise<Json> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body == null ? {} : { body }),
      signal: AbortSignal.timeout(120_000),
    });
    const text = await response.text();
    const answer: Json = text === "" ? null : JSON.parse(text);
    if (!response.ok) throw new ApiProblem(`${method} ${path}`, response.status, answer);
    return answer;
  };
  return {
    origin,
    key,
    get: (path) => send("GET", path, {}),
    post: (path, body) =>
      send("POST", path, { "content-type": "application/json", "idempotency-key": randomUUID() }, JSON.stringify(body)),
    patch: (path, body) => send("PATCH", path, { "content-type": "application/json" }, JSON.stringify(body)),
    put: (path, contentType, body) => send("PUT", path, { "content-type": contentType }, body),
    async all(path, pagesMax = 1_000) {
      const rows: Json[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < pagesMax; page++) {
        const at: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const answer: Json = await send("GET", `${path}${path.includes("?") ? "&" : "?"}limit=100${at}`, {});
        rows.push(...answer.data);
        if (!answer.has_more) break;
        cursor = answer.next_cursor as string;
      }
      return rows;
    },
  };
}
