/**
 * What every proxy is configured with, so that none is measured with settings another does not
 * have: keep-alive on both sides, no access log, and these. They are Culvert's defaults
 * (docs/settings.md), or wider where a default would end or refuse connections of the load.
 */

/** A dial without an answer. */
export const CONNECT_TIMEOUT_MS = 1_000;
/** A client connection without a request. */
export const CLIENT_IDLE_MS = 600_000;
/** Nothing comes from the server in the middle of an exchange. */
export const SERVER_IDLE_MS = 300_000;
/** A pooled connection to a server is closed. */
export const UPSTREAM_IDLE_MS = 3_000;
/** Client connections at a time. */
export const CONNECTIONS_MAX = 10_000;
/** Idle connections kept to the servers. */
export const UPSTREAM_IDLE_LINKS_MAX = 1_024;
/** Practically without end: a connection ends for no other reason than the load's. */
export const REQUESTS_PER_CONNECTION = 1_000_000_000;
