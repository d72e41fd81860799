/** What a reset of its stream means to a gRPC caller (gRPC over HTTP2, "Errors"). */
import {
  CANCEL,
  ENHANCE_YOUR_CALM,
  INADEQUATE_SECURITY,
  REFUSED_STREAM,
} from '../http2/error-code.ts';

const CANCELLED = 1;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** The status a caller makes of RST_STREAM with the HTTP/2 error code `code`. */
export function statusOfReset(code: number): number {
  switch (code) {
    case REFUSED_STREAM:
      return UNAVAILABLE;
    case CANCEL:
      return CANCELLED;
    case ENHANCE_YOUR_CALM:
      return RESOURCE_EXHAUSTED;
    case INADEQUATE_SECURITY:
      return PERMISSION_DENIED;
    default:
      return INTERNAL;
  }
}
