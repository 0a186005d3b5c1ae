import type { Context, Facts } from '../../pipeline/component.js';
import { requirePrecision, resolveDevice } from '../backbone/session-device.js';
import { deviceName } from '../backbone/session-protocol.js';
import { type DeviceOptions, devicesOf } from './model-options.js';

/**
 * What results depend on besides model and documents. A device counts by its kind: those of one kind compute alike.
 * Outputs name the devices, also of a run that finds everything kept and opens no session.
 * @throws NagError for a device that cannot be opened, or not with this precision
 */
export async function deviceFacts(settings: DeviceOptions, context: Context): Promise<Facts> {
  const { precision } = settings;
  const [name, ...others] = devicesOf(settings);
  const first = await resolveDevice(name);
  requirePrecision(precision, first);
  const names = [deviceName(first)];
  for (const other of others) names.push(deviceName(await resolveDevice(other)));
  recordDevice([...new Set(names)].join(', '), settings, context);
  return { device: first.provider, ...(precision === 'float32' ? {} : { precision }) };
}

/** Lets outputs say where and how the model ran. */
export function recordDevice(device: string, { precision }: DeviceOptions, context: Context): void {
  context.provenance.set('nag.device', device);
  if (precision !== 'float32') context.provenance.set('nag.precision', precision);
}
