import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterAsApplication, enterAsSidecar, enterForTrial } from './enter-namespace.ts';

const program = {
  argv: ['/root/culvert/node', '/root/culvert/base/launch.mjs', '--admin', '/root/culverts'],
  directory: '/root/culvert',
  environment: { PATH: '/bin', NODE_COMPILE_CACHE: '/root/culvert/node_modules/.cache/culvert' },
};

test('application enters as who started dev, or as the user that the manifest names', () => {
  const application = { ...program, argv: ['node', 'a b'] };
  const asRoot = enterAsApplication(application, 'culvert-web-1', undefined);
  assert.equal(asRoot.argv.join('|'), 'ip|netns|exec|culvert-web-1|node|a b');
  assert.equal(
    enterAsApplication(application, 'culvert-web-1', 1_000).argv.join('|'),
    'ip|netns|exec|culvert-web-1|setpriv|--reuid=1000|--regid=1000|--clear-groups|--no-new-privs|node|a b',
  );
});

test('sidecar enters as 2102 and sees the checkout where everybody may look', () => {
  const { argv, environment } = enterAsSidecar(program, 'culvert-web-1', '/root/culvert/');
  assert.deepEqual(argv.slice(0, 6), ['ip', 'netns', 'exec', 'culvert-web-1', 'sh', '-c']);
  assert.deepEqual(argv.slice(7), [
    'sh',
    '/root/culvert',
    '/run/culvert-netns/checkout',
    '/run/culvert-netns/compile-cache',
    '/run/culvert-netns/checkout/node_modules/.cache/culvert',
    'setpriv',
    '--reuid=2102',
    '--regid=2102',
    '--clear-groups',
    '--no-new-privs',
    '/run/culvert-netns/checkout/node',
    '/run/culvert-netns/checkout/base/launch.mjs',
    '--admin',
    '/root/culverts',
  ]);
  assert.equal(
    environment['NODE_COMPILE_CACHE'],
    '/run/culvert-netns/checkout/node_modules/.cache/culvert',
  );
});

test('sidecar has no compile cache where the launcher has turned it off', () => {
  const environment = { PATH: '/bin' };
  const entered = enterAsSidecar({ ...program, environment }, 'culvert-web-1', '/root/culvert');
  assert.deepEqual(entered.environment, environment);
  const from = entered.argv.indexOf('/run/culvert-netns/compile-cache');
  assert.equal(entered.argv[from + 1], '');
});

test('trial runs the sidecar as its user, in mounts of its own', () => {
  const { argv } = enterForTrial(program, '/root/culvert');
  assert.deepEqual(argv.slice(0, 3), ['unshare', '--mount', 'sh']);
  assert.ok(argv.includes('--reuid=2102'));
  assert.ok(argv.includes('/run/culvert-netns/checkout/base/launch.mjs'));
});
