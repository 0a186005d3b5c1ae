export async function watchLimits(_l: unknown, _o: unknown): Promise<{ stop(): void }> {
  return { stop: () => undefined };
}
