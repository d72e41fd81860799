/** The declarations of one side as a data thread holds them: replaced whole, looked up by port. */
import type { PortProtocol } from '../model/exchange.ts';
import type { DeclaredPorts, PortDeclaration } from '../model/port-declarations.ts';

/** Asked once a connection: a list is a handful of ranges, so it is walked. */
export class PortTable implements DeclaredPorts {
  #declarations: readonly PortDeclaration[];

  constructor(declarations: readonly PortDeclaration[] = []) {
    this.#declarations = declarations;
  }

  /** Connections that are asked about from now on hear of these. */
  replace(declarations: readonly PortDeclaration[]): void {
    this.#declarations = declarations;
  }

  declared(port: number): PortProtocol | undefined {
    return this.#declarations.find(({ first, last }) => first <= port && port <= last)?.protocol;
  }
}

/** One answer for every port: what a listener's own flag says. */
export const everyPort = (protocol: PortProtocol): DeclaredPorts =>
  new PortTable([{ first: 1, last: 65_535, protocol }]);
