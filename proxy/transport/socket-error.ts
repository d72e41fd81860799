import { MeshError } from '../model/mesh-error.ts';

/**
 * What a socket error means to the mesh. `code`: its name by the system, as "ECONNRESET", or what is said
 * in place of one; `where` is the other end; `opened`: the connection was there when it failed. Before
 * that no byte was sent, so another endpoint may be tried.
 */
export function socketError(code: string, where: string, opened: boolean): MeshError {
  const detail = `${where}: ${code}`;
  const retry = opened ? 'if-reused' : 'unsent';
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new MeshError('out-of-descriptors', 'proxy', `No descriptor for ${detail}.`, retry);
  }
  if (code === 'ETIMEDOUT') {
    return new MeshError('deadline-passed', 'upstream', `No answer from ${detail}.`, retry);
  }
  if (opened)
    return new MeshError('upstream-reset', 'upstream', `Connection lost to ${detail}.`, retry);
  const why = code === 'ECONNREFUSED' ? 'upstream-refused' : 'upstream-unreachable';
  return new MeshError(why, 'upstream', `Cannot connect to ${detail}.`, retry);
}
