/** What a folder with an adapter is, and what to do. @param config the text of adapter_config.json, as far as it is known */
export function adapterFault(config: string): string {
  const { kind, base } = adapterOf(config);
  return (
    `this folder holds an adapter${kind}${base}, not a whole model: merge it first, ` +
    'in Python peft.AutoPeftModelForCausalLM.from_pretrained(FOLDER).merge_and_unload().save_pretrained(NEW_FOLDER), copy the tokenizer there and name that folder; ' +
    'or move the adapter away to use the model beside it as it is'
  );
}

function adapterOf(config: string): { kind: string; base: string } {
  let json: unknown;
  try {
    json = JSON.parse(config);
  } catch {
    json = undefined;
  }
  const of = (key: string) => {
    const value: unknown = json === null ? undefined : Object(json)[key];
    return typeof value === 'string' ? value : '';
  };
  const [kind, base] = [of('peft_type'), of('base_model_name_or_path')];
  return { kind: kind && ` (${kind})`, base: base && ` for ${base}` };
}
