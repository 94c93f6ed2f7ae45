/**
 * Where someone may be sent on after signing in: named here one by one, so that no link of ours leads anywhere else. A path that
 * is only checked for its form is an open redirect as soon as a browser reads it otherwise (`//host`, `/\host`, a tab).
 */
export const nextPaths = ["/v1/me", "/v1/sessions", "/auth/factors", "/auth/account"] as const;
export type NextPath = (typeof nextPaths)[number];

/** What a row holds may be older than this list. */
export const knownPath = (text: string | null): NextPath | null => nextPaths.find((path) => path === text) ?? null;
