/**
 * Functions that return the same result for the same arguments and data, and do nothing else. Functions not listed
 * count as impure: random values, clocks (also `time::day()`, which means today), salts, sessions, sequences, functions
 * that run a given function, search scores, files, the network, and functions added later.
 */
const families: Readonly<Record<string, string>> = {
  array:
    'add append at boolean_and boolean_not boolean_or boolean_xor clump combine complement concat difference distinct fill first flatten group insert intersect is_empty join last len logical_and logical_or logical_xor matches max min pop prepend push range remove repeat reverse slice sort sort::asc sort::desc sort_lexical sort_natural sort_natural_lexical swap transpose union windows',
  bytes: 'len',
  crypto: 'blake3 joaat md5 sha1 sha256 sha512',
  duration:
    'days hours micros millis mins nanos secs weeks years from_days from_hours from_micros from_millis from_mins from_nanos from_secs from_weeks',
  encoding: 'base64::decode base64::encode cbor::decode cbor::encode',
  geo: 'area bearing centroid distance hash::decode hash::encode is_valid',
  math: 'abs acos acot asin atan bottom ceil clamp cos cot deg2rad fixed floor interquartile lerp lerpangle ln log log10 log2 max mean median midhinge min mode nearestrank percentile pow product rad2deg round sign sin spread sqrt stddev sum tan top trimean variance',
  meta: 'id tb',
  object: 'entries extend from_entries is_empty keys len remove values',
  parse: 'email::host email::user url::domain url::fragment url::host url::path url::port url::query url::scheme',
  record: 'exists id tb',
  string:
    'concat contains ends_with join len lowercase matches repeat replace reverse slice slug split starts_with trim uppercase words distance::damerau_levenshtein distance::hamming distance::levenshtein distance::normalized_damerau_levenshtein distance::normalized_levenshtein distance::osa html::encode html::sanitize is_alphanum is_alpha is_ascii is_datetime is_domain is_email is_hexadecimal is_ip is_ipv4 is_ipv6 is_latitude is_longitude is_numeric is_record is_semver is_ulid is_url is_uuid semver::compare semver::major semver::minor semver::patch semver::inc::major semver::inc::minor semver::inc::patch semver::set::major semver::set::minor semver::set::patch similarity::fuzzy similarity::jaro similarity::jaro_winkler similarity::smithwaterman similarity::sorensen_dice',
  time: 'ceil day floor format group hour max micros millis min minute month nano round second unix wday week yday year from_micros from_millis from_nanos from_secs from_ulid from_unix from_uuid is_leap_year',
  type: 'array bool bytes datetime decimal duration float geometry int is_array is_bool is_bytes is_collection is_datetime is_decimal is_duration is_float is_geometry is_int is_line is_multiline is_multipoint is_multipolygon is_none is_null is_number is_object is_point is_polygon is_range is_record is_string is_uuid number point range record string string_lossy uuid',
  value: 'diff patch',
  vector:
    'add angle cross divide dot magnitude multiply normalize project scale subtract distance::chebyshev distance::euclidean distance::hamming distance::mahalanobis distance::manhattan distance::minkowski similarity::cosine similarity::jaccard similarity::pearson similarity::spearman',
};

const members = Object.entries(families).flatMap(([family, names]) => names.split(' ').map((name) => [family, name]));

/** By full name, in lower case: `array::len`. */
export const pureFunctions: ReadonlySet<string> = new Set([
  'count',
  'not',
  ...members.map(([family, name]) => `${family}::${name}`),
]);

// `exists` is also a method of files, which are outside of the database.
const notAsMethod = new Set(['exists']);

/** The same called on a value: `.len()`, `.sort_asc()`, `.vector_add()`, `.to_string()`. */
export const pureMethods: ReadonlySet<string> = new Set(
  members.flatMap(([family = '', name = '']) => {
    const flat = name.replaceAll('::', '_');
    if (family === 'type') return flat.startsWith('is_') ? [flat] : [`to_${flat}`];
    if (family === 'vector') return [`vector_${flat}`];
    return notAsMethod.has(flat) ? [] : [flat];
  }),
);

/** Constants are paths that are not called; those of these families never change. */
export const constantFamilies: ReadonlySet<string> = new Set(['math', 'duration', 'time']);

/** Families whose effects no rollback undoes. */
export const outsideFamilies: ReadonlySet<string> = new Set(['http', 'file', 'sequence', 'api']);
