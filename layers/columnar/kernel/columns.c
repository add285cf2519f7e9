/* What the data gate does most often with a column, for 64-bit little-endian processors; no libc, no memory of its own.
 *
 * trimtab/data/kernel/arrays.py does the same with NumPy, bit for bit, and says what each function is for. Sums go in
 * the order that NumPy's go there, so neither this file nor its compiler may reorder or fuse them (-ffp-contract=off).
 * Bits of presence are Arrow's: bit i % 8 of byte i / 8, counted from `first`. No pointer is kept after a call.
 */
#include <stdint.h>

#define VERSION 3
#define LANES 256
#define EXTREME_LANES 8
#define INDEX_BITS 14
#define REST_BITS (64 - INDEX_BITS)
#define BUCKET_SLOTS 4096
#define MOST_PROBES 32
#define TEXT_IN_WORDS 512
#define FEW_SLOTS_BITS 12

static const uint64_t FIRST = 0xBF58476D1CE4E5B9u, SECOND = 0x94D049BB133111EBu;
static const uint64_t STEPS[2] = {0x9E3779B97F4A7C15u, 0xD6E8FEB86659FD93u};

static inline uint64_t spread(uint64_t word) {
    word ^= word >> 32;
    word *= FIRST;
    word ^= word >> 29;
    return word * SECOND;
}

static inline int64_t bits_of(double value) {
    int64_t bits;
    value += 0.0; /* turns -0.0 into 0.0 */
    __builtin_memcpy(&bits, &value, 8);
    return bits;
}

int64_t kernel_version(void) { return VERSION; }

static inline int64_t gather_bits(const uint64_t *words, unsigned bits, int64_t rows, uint64_t *out) {
    int64_t held = 0;
    for (int64_t row = 0; row < rows; row++) {
        out[held] = words[row];
        held += (bits >> row) & 1;
    }
    return held;
}

int64_t gather(const uint64_t *words, const uint8_t *bits, int64_t first, int64_t rows, uint64_t *out) {
    int64_t row = (8 - (first & 7)) & 7, held;
    if (row > rows) row = rows;
    held = row ? gather_bits(words, bits[first >> 3] >> (first & 7), row, out) : 0;
    for (; row + 8 <= rows; row += 8) {
        unsigned present = bits[(first + row) >> 3];
        if (present == 255) {
            __builtin_memcpy(out + held, words + row, 64);
            held += 8;
        } else held += gather_bits(words + row, present, 8, out + held);
    }
    if (row < rows) held += gather_bits(words + row, bits[(first + row) >> 3], rows - row, out + held);
    return held;
}

void extremes(const double *values, int64_t rows, double *found) {
    double low[EXTREME_LANES], high[EXTREME_LANES];
    int64_t lanes = rows / EXTREME_LANES * EXTREME_LANES, numbers = 0;
    for (int lane = 0; lane < EXTREME_LANES; lane++) low[lane] = high[lane] = values[0];
    for (int64_t row = 0; row < lanes; row += EXTREME_LANES) {
        int64_t known = 0;
        for (int lane = 0; lane < EXTREME_LANES; lane++) {
            double value = values[row + lane];
            low[lane] = value < low[lane] ? value : low[lane];
            high[lane] = value > high[lane] ? value : high[lane];
            known += value == value;
        }
        numbers += known;
    }
    for (int64_t row = lanes; row < rows; row++) {
        double value = values[row];
        low[0] = value < low[0] ? value : low[0];
        high[0] = value > high[0] ? value : high[0];
        numbers += value == value;
    }
    for (int lane = 1; lane < EXTREME_LANES; lane++) {
        low[0] = low[lane] < low[0] ? low[lane] : low[0];
        high[0] = high[lane] > high[0] ? high[lane] : high[0];
    }
    found[0] = numbers == rows ? low[0] + 0.0 : __builtin_nan("");
    found[1] = numbers == rows ? high[0] + 0.0 : __builtin_nan("");
}

static double in_order(const double *lanes) {
    double total = lanes[0];
    for (int lane = 1; lane < LANES; lane++) total += lanes[lane];
    return total;
}

void mean_and_spread(const double *values, int64_t rows, double *found) {
    double lanes[LANES] = {0};
    int64_t row = 0;
    for (; row + LANES <= rows; row += LANES)
        for (int lane = 0; lane < LANES; lane++) lanes[lane] += values[row + lane];
    for (int lane = 0; row + lane < rows; lane++) lanes[lane] += values[row + lane];
    double mean = in_order(lanes) / (double)rows;
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = 0;
    for (row = 0; row + LANES <= rows; row += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            double apart = values[row + lane] - mean;
            lanes[lane] += apart * apart;
        }
    for (int lane = 0; row + lane < rows; lane++) {
        double apart = values[row + lane] - mean;
        lanes[lane] += apart * apart;
    }
    found[0] = mean;
    found[1] = in_order(lanes);
}

static inline void add_hash(uint8_t *registers, uint64_t hash) {
    uint64_t rest = hash & ((1ull << REST_BITS) - 1);
    uint8_t *known = registers + (hash >> REST_BITS);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest | 1) - (INDEX_BITS - 1));
    if (rank > *known) *known = rank;
}

void add_hashes(uint8_t *registers, const uint64_t *hashes, int64_t rows) {
    for (int64_t row = 0; row < rows; row++) add_hash(registers, hashes[row]);
}

int64_t add_cells(int64_t *counts, uint8_t *registers, int64_t shift, int64_t lowest, int64_t width,
                  const double *values, int64_t rows, double *outside) {
    int64_t left = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t bits = bits_of(values[row]);
        uint64_t place = (uint64_t)(((bits & INT64_MAX) >> shift) - lowest);
        add_hash(registers, spread((uint64_t)bits));
        if (place < (uint64_t)width) counts[place + ((uint64_t)(bits >> 63) & (uint64_t)width)]++;
        else outside[left++] = values[row];
    }
    return left;
}

/* Numbers of few different values are counted in a table of 1 << FEW_SLOTS_BITS slots, which are all 0 before; where
 * there are more values than `most`, -1 is returned and the table means nothing. */
int64_t count_few(const double *values, int64_t rows, int64_t most, int64_t *numbers, int64_t *counts) {
    int64_t different = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t bits = bits_of(values[row]);
        uint64_t slot = spread((uint64_t)bits) >> (64 - FEW_SLOTS_BITS);
        while (counts[slot] && numbers[slot] != bits) slot = (slot + 1) & ((1u << FEW_SLOTS_BITS) - 1);
        if (!counts[slot]) {
            if (++different > most) return -1;
            numbers[slot] = bits;
        }
        counts[slot]++;
    }
    return different;
}

/* Whether a byte is none of the `above` that follow `lowest`, place by place; both repeat after `period` bytes. */
int64_t outside_runs(const uint8_t *bytes, int64_t count, const uint8_t *lowest, const uint8_t *above, int64_t period) {
    for (int64_t start = 0; start < count; start += period) {
        int64_t length = count - start < period ? count - start : period;
        uint8_t outside = 0;
        for (int64_t place = 0; place < length; place++)
            outside |= (uint8_t)(bytes[start + place] - lowest[place]) > above[place];
        if (outside) return 1;
    }
    return 0;
}

void add_places(int64_t *counts, const int64_t *values, int64_t rows, int64_t low) {
    for (int64_t row = 0; row < rows; row++) counts[values[row] - low]++;
}

/* Every code of a row that is there is counted; bits are null where no row lacks one. Codes that mean nothing are not
 * counted and their number is returned. */
int64_t add_codes(int64_t *counts, int64_t levels, const int32_t *codes, const uint8_t *bits, int64_t first,
                  int64_t rows) {
    int64_t foreign = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t place = first + row;
        if (bits && !((bits[place >> 3] >> (place & 7)) & 1)) continue;
        if ((uint64_t)codes[row] < (uint64_t)levels && codes[row] >= 0) counts[codes[row]]++;
        else foreign++;
    }
    return foreign;
}

/* The last `length` (1 to 7) bytes of a text as the high bytes of a word, below which there is nothing. */
static inline uint64_t tail_of(const uint8_t *data, int64_t end, int64_t length) {
    uint64_t word = 0;
    if (end >= 8) {
        __builtin_memcpy(&word, data + end - 8, 8);
        return word & ~0ull << (64 - 8 * length);
    }
    for (int64_t place = 0; place < length; place++) word |= (uint64_t)data[end - length + place] << (8 * place);
    return word << (64 - 8 * length);
}

static inline uint64_t with_word(uint64_t hash, uint64_t word, uint64_t step) {
    hash = (hash ^ word) * step;
    hash = (hash ^ (hash >> 32)) * SECOND;
    return hash ^ (hash >> 32);
}

int64_t fingerprints(const void *offsets, int64_t wide, const uint8_t *data, int64_t rows, uint64_t *first,
                     uint64_t *second) {
    int64_t too_long = 0;
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = wide ? ((const int64_t *)offsets)[row] : ((const int32_t *)offsets)[row];
        int64_t end = wide ? ((const int64_t *)offsets)[row + 1] : ((const int32_t *)offsets)[row + 1];
        int64_t length = end - start, place = 0;
        uint64_t one = (uint64_t)(length + 1) * STEPS[0], two = (uint64_t)(length + 1) * STEPS[1], word;
        if (length > TEXT_IN_WORDS) too_long++;
        else {
            for (; place + 8 <= length; place += 8) {
                __builtin_memcpy(&word, data + start + place, 8);
                one = with_word(one, word, STEPS[0]);
                two = with_word(two, word, STEPS[1]);
            }
            if (place < length) {
                word = tail_of(data, end, length - place);
                one = with_word(one, word, STEPS[0]);
                two = with_word(two, word, STEPS[1]);
            }
        }
        first[row] = one;
        second[row] = two;
    }
    return too_long;
}

/* Keys go into buckets by the first bits of their hash, and of each bucket every key into a small table that stays in
 * the processor's cache. Whoever makes keys to fill one bucket or one run of slots gets them all named as candidates.
 * Without `places` none is named: how many were found says whether it is worth to ask again with them. */
int64_t perhaps_repeated(const uint64_t *keys, int64_t rows, int64_t bucket_bits, int64_t *starts, uint64_t *hashes,
                         uint16_t *slots, int32_t *places, uint8_t *again) {
    int64_t buckets = 1ll << bucket_bits, found = 0;
    int shift = (int)(64 - bucket_bits);
    for (int64_t row = 0; row < rows; row++) starts[(bucket_bits ? spread(keys[row]) >> shift : 0) + 1]++;
    for (int64_t bucket = 0; bucket < buckets; bucket++) starts[bucket + 1] += starts[bucket];
    for (int64_t row = 0; row < rows; row++) {
        uint64_t hash = spread(keys[row]);
        int64_t place = starts[bucket_bits ? hash >> shift : 0]++; /* ends as where the next bucket starts */
        hashes[place] = hash;
        if (places) places[place] = (int32_t)row;
    }
    for (int64_t bucket = 0; bucket < buckets; bucket++) {
        int64_t begin = bucket ? starts[bucket - 1] : 0, end = starts[bucket];
        if (end - begin > BUCKET_SLOTS / 2) {
            found += end - begin;
            for (int64_t place = begin; places && place < end; place++) again[places[place]] = 1;
            continue;
        }
        for (int slot = 0; slot < BUCKET_SLOTS; slot++) slots[slot] = 0;
        for (int64_t place = begin; place < end; place++) {
            uint64_t hash = hashes[place], slot = hash * STEPS[0] >> 52, probes = 0;
            while (slots[slot] && hashes[begin + slots[slot] - 1] != hash && ++probes < MOST_PROBES)
                slot = (slot + 1) & (BUCKET_SLOTS - 1);
            if (!slots[slot]) slots[slot] = (uint16_t)(place - begin + 1);
            else if (++found && places) again[places[place]] = again[places[begin + slots[slot] - 1]] = 1;
        }
    }
    return found;
}
