// Adding a product, or changing one: it is searchable as soon as the answer is here.

import { get, itemPath, putItem } from './api.js';
import { el, field, fill, named, trouble } from './parts.js';
import { fillCategories } from './refine.js';

const TEXTS = [['Title', 'title', 300], ['Brand', 'brand', 200]];

export async function itemForm(main, itemId) {
  const place = el('div');
  main.replaceChildren(place);
  if (itemId === undefined) place.replaceChildren(form(null));
  else await fill(place, get(itemPath(itemId)), ({ item }) => form(item), 0);
}

function form(item) {
  const inputs = {};
  const text = (name, attributes) => {
    inputs[name] = el('input', { id: `i-${name}`, type: 'text', autocomplete: 'off', value: item?.[name] ?? '', ...attributes });
    return inputs[name];
  };
  const categories = el('datalist', { id: 'categories' });
  fillCategories(categories);
  const available = el('input', { id: 'i-available', type: 'checkbox', checked: item ? item.available : true });
  const description = el('textarea', { id: 'i-description', rows: 4, maxlength: 4000 });
  description.value = item?.description ?? '';
  const photos = el('input', { id: 'i-photos', type: 'file', accept: 'image/*', multiple: true });
  const attributes = el('input', { id: 'i-attributes', type: 'text', autocomplete: 'off', spellcheck: 'false',
    placeholder: 'color: red, material: silk',
    value: Object.entries(item?.attributes ?? {}).map(([name, value]) => `${name}: ${value}`).join(', ') });
  const told = el('div', { class: 'told', role: 'status' });
  const button = el('button', { type: 'submit', class: 'main' }, item ? 'Keep the change' : 'Add it');
  return el('section', {}, el('h1', {}, item ? `Change ${named(item)}` : 'Add a product'),
    el('form', { class: 'item-form', onsubmit: keep },
      field('Id', text('item_id', { required: true, maxlength: 256, readonly: Boolean(item) })),
      TEXTS.map(([label, name, maxlength]) => field(label, text(name, { maxlength }))),
      field('Category', text('category', { list: 'categories', maxlength: 200, placeholder: 'Women > Dresses' })), categories,
      field('Price', text('price', { type: 'number', min: 0, step: 'any', inputmode: 'decimal' })),
      field('Description', description), field('Attributes', attributes),
      field(item ? 'Photos, in place of those it has' : 'Photos', photos),
      el('div', { class: 'field check' }, available, el('label', { for: 'i-available' }, 'Can be bought')),
      button, told));

  async function keep(event) {
    event.preventDefault();
    button.disabled = true;
    told.replaceChildren('Keeping it …');
    const fields = { title: inputs.title.value, brand: inputs.brand.value, category: inputs.category.value,
      description: description.value, available: available.checked, attributes: pairs(attributes.value) };
    if (inputs.price.value || item) fields.price = inputs.price.value ? Number(inputs.price.value) : null;
    const itemId = inputs.item_id.value.trim();
    try {
      await putItem(itemId, fields, [...photos.files]);
      told.replaceChildren('Kept. Every answer knows it now. ',
        el('a', { href: `#/items/${encodeURIComponent(itemId)}` }, 'Look at it'));
    } catch (error) {
      told.replaceChildren(trouble(error));
    }
    button.disabled = false;
  }
}

// "color: red, material: silk" as an object.
function pairs(text) {
  return Object.fromEntries(text.split(',').map((pair) => pair.split(':').map((part) => part.trim()))
    .filter(([name, value]) => name && value));
}
