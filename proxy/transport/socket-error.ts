import { MeshError } from '../model/mesh-error.ts';

/** What a socket error means to the mesh. */
export function socketError(error: NodeJS.ErrnoException, where: string): MeshError {
  const detail = `${where}: ${error.code ?? error.message}`;
  switch (error.code) {
    case 'EMFILE':
    case 'ENFILE':
      return new MeshError('out-of-descriptors', 'proxy', `No descriptor for ${detail}.`, 'unsent');
    case 'ECONNRESET':
    case 'EPIPE':
      return new MeshError(
        'upstream-reset',
        'upstream',
        `Connection lost to ${detail}.`,
        'if-reused',
      );
    case 'ETIMEDOUT':
      return new MeshError('deadline-passed', 'upstream', `No answer from ${detail}.`, 'if-reused');
    default:
      return new MeshError(
        'upstream-refused',
        'upstream',
        `Cannot connect to ${detail}.`,
        'unsent',
      );
  }
}
