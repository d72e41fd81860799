/**
 * What a sidecar loads only when it has a controller. The trial has none, and loads this beside, so that
 * the compile cache of sidecars has it from the start.
 */
await import('@grpc/grpc-js');
await import('../../../api/gen/culvert/proxy/v1/control.ts');
await import('../../../api/gen/culvert/proxy/v1/telemetry.ts');
