/** Heads of requests, for tests of what reads them. */
import type { Head } from '../../proxy/model/head.ts';
import { requestHead } from './heads.ts';

/** The head of `METHOD target` with `fields` ("Name: value"), to the host "web". */
export const requestOf = (startLine: string, ...fields: readonly string[]): Head =>
  requestHead([`${startLine} HTTP/1.1`, 'Host: web', ...fields, '', ''].join('\r\n'));
