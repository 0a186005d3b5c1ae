import type { Context, Facts } from '../../pipeline/component.js';
import { int8Version } from '../backbone/int8-weights.js';
import { requirePrecision, resolveDevice } from '../backbone/session-device.js';
import { deviceName } from '../backbone/session-protocol.js';
import type { Precision } from '../backbone/types.js';
import { type DeviceOptions, devicesOf } from './model-options.js';

/**
 * What results depend on besides model and documents. A device counts by its kind: those of one kind compute alike.
 * Outputs name the devices, also of a run that finds everything kept and opens no session.
 * @throws NagError for a device that cannot be opened, or not with this precision
 */
export async function deviceFacts(settings: DeviceOptions, context: Context): Promise<Facts> {
  const { precision } = settings;
  const [chosen, ...others] = devicesOf(settings);
  const first = await resolveDevice(chosen);
  requirePrecision(precision, first);
  const names = [deviceName(first)];
  for (const other of others) names.push(deviceName(await resolveDevice(other)));
  recordDevice([...new Set(names)].join(', '), settings, context);
  const name = precisionName(precision);
  return { device: first.provider, ...(name === undefined ? {} : { precision: name }) };
}

/** Lets outputs say where and how the model ran. */
export function recordDevice(device: string, { precision }: DeviceOptions, context: Context): void {
  context.provenance.set('nag.device', device);
  const name = precisionName(precision);
  if (name !== undefined) context.provenance.set('nag.precision', name);
}

/** What results are said to be of, where not of float32: another version of int8's rules makes others. */
export function precisionName(precision: Precision): string | undefined {
  if (precision === 'float32') return undefined;
  return precision === 'int8' ? int8Version : precision;
}
