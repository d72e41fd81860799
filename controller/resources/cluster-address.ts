/**
 * IPAddress (networking.k8s.io/v1): the record that an address was given to a Service. Kubernetes
 * keeps one for each address that Services say in their specs; whoever gives addresses to Services
 * that say none writes them apart from the Services.
 */
import type { Fields, TextShape } from './fields.ts';
import { DNS_LABEL } from './fields.ts';
import { canonicalAddress } from './ip-address.ts';
import type { Place } from './pod.ts';
import { resourceKey } from './resource.ts';
import type { IpAddress } from './resource.ts';

/** An IPAddress is named by the address itself, of either family. */
export const ADDRESS_NAME: TextShape = {
  pattern: /^[0-9a-f.:]{2,39}$/,
  words: 'an IP address in its canonical form',
};

/** Reads an IPAddress; what is wrong is noted in the fields. */
export function readIpAddress(place: Place, top: Fields): IpAddress {
  const { namespace, name } = place;
  // An empty name was refused already.
  if (name !== '' && canonicalAddress(name) !== name) {
    top.object('metadata').refuse('name', `must be ${ADDRESS_NAME.words}, is "${name}"`);
  }
  const parent = top.object('spec').object('parentRef');
  const owner = parent.requiredText('name');
  const resource = parent.requiredText('resource');
  const group = parent.text('group') ?? '';
  const ofService = group === '' && resource === 'services' && owner !== undefined;
  const where = parent.text('namespace', DNS_LABEL) ?? 'default';
  return {
    kind: 'IPAddress',
    namespace,
    name,
    service: ofService ? resourceKey(where, owner) : undefined,
  };
}
