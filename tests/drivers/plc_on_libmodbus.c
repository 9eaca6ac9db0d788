/* A line's PLC on libmodbus, written from docs/plc-interface.md alone.
   plc_on_libmodbus MODBUS_PORT SEAM_PORT [--swap-words]: serves the registers on 127.0.0.1 and takes its signals from
   the plant's signal seam. MODBUS_PORT 0 takes a free one; "serving PORT" tells. One thread, a scan every 10 ms. */
#include <arpa/inet.h>
#include <modbus.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { STATUS = 0, COMMAND = 200, SETTINGS = 400, EDGES = 1000, OUTCOMES = 3000, TABLE = 4000, REGISTERS = 4320 };
enum { NEWEST_EDGES = 37, NEWEST_OUTCOMES = 81, NEWEST_ACKS = 101, TRAILER = 92, CHECKSUM = 91, ORDERS = 12 };
enum { EDGE = 11, OUTCOME = 10, ACK = 5, ORDER = 7, ROW = 10 }; /* registers of a record */
enum { PASS = 1, INSPECT, LOST, UNOBSERVED };
enum { EYES = 7, DECISION = 4, EXIT_PASS = 5, TRIGGER_EYE = 2, PARCELS = 32, OBJECTS = 64, MOST_EDGES = 512 };
enum { STALE_MS = 500, UM = 1000, LATCH_US = 1000, SLIP_PPM = 5000, TOLERANCE = 10, LENGTH_TOLERANCE = 15, S_MM = 325,
       STOP_MM = 100, STAND_MS = 5000, DIVERTER = 5500, LONGEST = 600, SPEED = 2500, BOUNCE_MM = 5, SCAN_US = 10000 };
static const uint16_t CONSTANTS[21] = {STALE_MS, UM, LATCH_US, SLIP_PPM, TOLERANCE, LENGTH_TOLERANCE, S_MM, STOP_MM,
    STAND_MS, DECISION, EYES, 0, 650, 1800, 3200, 4100, 6200, 6200, 0, DIVERTER, LONGEST};
static const uint16_t *const EYE_MM = CONSTANTS + 11;
#define COUNTS(mm) ((mm) * 1000.0 / UM)
#define SLIP (SLIP_PPM / 1e6)
#define LATCH (COUNTS(LATCH_US * 1e-6 * SPEED) + 1)
#define TO_EXIT (EYE_MM[EXIT_PASS] - EYE_MM[DECISION])
#define TO_DIVERTER (DIVERTER - EYE_MM[DECISION])

typedef struct { uint32_t parcel, last, session; uint16_t sequence, lane, has_last, none; } order_t;
typedef struct { uint32_t number, session, length, at[EYES]; int claimed[EYES], refused; order_t order; } parcel_t;
typedef struct { uint32_t number, lead, trail, length; int freed, reason, released, told; } object_t;
typedef struct { uint32_t eye, broken, count, ms; } edge_t;
typedef struct { uint32_t ms, count, at_pass, at_inspect, lane_full, stop, acknowledge, mode, edges; } inputs_t;

static uint16_t *reg, taken_number, taken_heartbeat, trigger, scan, scan_max;
static int swapped, has_taken, started, objects, belt, to_pass, faults, latched_stop, freed_waits[EYES];
static parcel_t parcel[PARCELS]; /* number 0: an empty row; order.session 0: no order */
static object_t object[OBJECTS]; /* what broke the decision eye, in the order of coming */
static edge_t edge_in[MOST_EDGES], freed_lately[EYES]; /* where freed_waits: may still turn out a bounce */
static uint32_t on_eye[EYES], last_number, edge_total, outcome_total, still_ms;
static uint32_t epoch, live, ended, beat_session, beat_ms; /* ended: session that ended last; beat_: of the last beat */
static uint64_t moved;
static inputs_t in;

static void put32(uint16_t *at, uint32_t value) { at[swapped] = value >> 16; at[!swapped] = value & 0xFFFF; }
static uint32_t get32(const uint16_t *at) { return (uint32_t)at[swapped] << 16 | at[!swapped]; }

/* Put a record before those on show; the oldest falls out. */
static void show(int at, int shown, int size, const uint16_t *record) {
    memmove(reg + at + size, reg + at, sizeof *reg * size * (shown - 1));
    memcpy(reg + at, record, sizeof *reg * size);
}

static void append_edge(const edge_t *edge, uint32_t number, uint16_t fired) {
    uint16_t sequence = (uint16_t)++edge_total;
    uint16_t record[EDGE] = {sequence, edge->eye, edge->broken, 0, 0, 0, 0, 0, 0, fired, sequence};
    put32(record + 3, edge->count), put32(record + 5, edge->ms), put32(record + 7, number);
    memcpy(reg + EDGES + EDGE * ((edge_total - 1) % 128), record, sizeof record);
    show(NEWEST_EDGES, 4, EDGE, record);
}

static parcel_t *find(uint32_t number) {
    for (int i = 0; number && i < PARCELS; i++)
        if (parcel[i].number == number) return &parcel[i];
    return NULL;
}

/* With its outcome a parcel leaves the table. */
static void append_outcome(uint32_t number, int place, int why, uint32_t count, uint32_t ms) {
    uint16_t sequence = (uint16_t)++outcome_total;
    uint16_t record[OUTCOME] = {sequence, 0, 0, place, why, 0, 0, 0, 0, sequence};
    put32(record + 1, number), put32(record + 5, count), put32(record + 7, ms);
    memcpy(reg + OUTCOMES + OUTCOME * ((outcome_total - 1) % 64), record, sizeof record);
    show(NEWEST_OUTCOMES, 2, OUTCOME, record);
    if (find(number)) memset(find(number), 0, sizeof *parcel);
}

static void write_status(int stop_cause) {
    uint16_t *r = reg + STATUS, diverter = in.at_pass + 2 * in.at_inspect, table = 0;
    r[6] = scan;
    for (int i = 0; i < PARCELS; i++) {
        const parcel_t *p = &parcel[i];
        uint16_t *row = reg + TABLE + ROW * i;
        int last = DECISION;
        while (last > 0 && !p->claimed[last]) last--;
        table += p->number != 0;
        row[4] = p->length > 0xFFFF ? 0xFFFF : (uint16_t)p->length;
        row[7] = (uint16_t)last;
        put32(row, p->number), put32(row + 2, p->at[0]), put32(row + 5, p->session), put32(row + 8, p->at[last]);
    }
    put32(r, 0x49535031), put32(r + 3, 0x01020304), put32(r + 7, in.ms), put32(r + 9, in.count);
    put32(r + 13, epoch), put32(r + 15, live), put32(r + 25, edge_total), put32(r + 27, outcome_total);
    const uint16_t state[] = {in.mode, belt, stop_cause, faults, diverter, in.lane_full, scan_max, table};
    memcpy(r + 17, state, sizeof state);
    r[2] = r[5] = 1; /* versions of map and program */
    r[12] = taken_number;
    r[11] = r[121] = scan;
}

static int past(uint32_t count, uint32_t last) { return count - last >= 1 && count - last <= 0x7FFFFFFF; }

static int take_order(const order_t *order) {
    parcel_t *p = find(order->parcel);
    if (!p) return 3;
    if (order->session != live) return 4;
    if (p->claimed[DECISION]) return memcmp(order, &p->order, sizeof *order) ? 2 : 1;
    if (p->order.session == order->session && (uint16_t)(order->sequence - p->order.sequence) > 0x7FFF) return 5;
    if (order->has_last == 1 && past(in.count, order->last)) return 5;
    p->order = *order;
    return 1;
}

static void take_command(void) {
    const uint16_t *c = reg + COMMAND;
    uint16_t sum = 0, ahead = (uint16_t)(c[0] - taken_number);
    uint32_t session = get32(c + 1);
    for (int i = 0; i < CHECKSUM; i++) sum = (uint16_t)(sum + c[i]);
    if (c[TRAILER] != c[0] || c[CHECKSUM] != sum || !session) return;
    if (has_taken && (ahead < 1 || ahead > 32767)) return;
    taken_number = c[0];
    if (!epoch) epoch = get32(c + 4);
    if (!has_taken || c[3] != taken_heartbeat) {
        if (!live && epoch && session != ended && beat_session == session) live = session;
        if (session == live) beat_ms = in.ms;
        beat_session = session;
    }
    has_taken = 1;
    taken_heartbeat = c[3];
    for (const uint16_t *o = c + 7; o < c + 7 + ORDER * (c[6] < ORDERS ? c[6] : ORDERS); o += ORDER) {
        order_t order = {get32(o + 1), get32(o + 5), session, o[0], o[3], o[4], 0};
        uint16_t echo[ACK] = {o[0], o[1], o[2], o[3], (uint16_t)take_order(&order)};
        int on_show = 0;
        for (int k = 0; k < 4; k++) on_show |= !memcmp(reg + NEWEST_ACKS + ACK * k, echo, sizeof echo);
        if (!on_show) show(NEWEST_ACKS, 4, ACK, echo);
    }
}

static double earliest(double mm) { return COUNTS(mm) / (1 + SLIP) - 2 * LATCH - COUNTS(TOLERANCE); }
static double latest(double mm) { return COUNTS(mm) / (1 - SLIP) + 2 * LATCH + COUNTS(TOLERANCE); }
static double since(uint32_t from, uint32_t to) { return (int32_t)(to - from); }
static int within(double travel, double mm) { return travel >= earliest(mm) && travel <= latest(mm); }

/* The eye before this one where the parcel was claimed last. */
static int eye_before(const parcel_t *p, int eye) {
    for (eye--; eye > 0 && !p->claimed[eye];) eye--;
    return eye;
}

static void refuse(parcel_t *p) {
    p->refused = 1;
    for (int i = 0; i < objects; i++)
        if (object[i].number == p->number && !object[i].reason && !object[i].released) object[i].reason = 4;
}

static parcel_t *claim(const edge_t *edge) {
    parcel_t *hit[PARCELS];
    int hits = 0, again = 0;
    for (parcel_t *p = parcel; p < parcel + PARCELS; p++) {
        int from = eye_before(p, edge->eye);
        if (p->number && within(since(p->at[from], edge->count), EYE_MM[edge->eye] - EYE_MM[from]))
            hit[hits++] = p, again |= p->claimed[edge->eye];
    }
    if (hits != 1 || again) {
        while (hits) refuse(hit[--hits]);
        return NULL;
    }
    hit[0]->claimed[edge->eye] = 1;
    hit[0]->at[edge->eye] = edge->count;
    return hit[0];
}

static parcel_t *enter(const edge_t *edge) {
    parcel_t *p = parcel;
    while (p < parcel + PARCELS && p->number) p++;
    if (!epoch || p == parcel + PARCELS) return NULL; /* without a number it will be inspected */
    memset(p, 0, sizeof *p);
    p->number = ++last_number;
    p->session = live;
    p->at[0] = edge->count;
    return p;
}

static int reason_at_lead(const parcel_t *p, uint32_t count) {
    if (moved <= latest(EYE_MM[EXIT_PASS] + LONGEST)) return 9; /* what was here before the start may still be */
    if (!p || p->refused) return 4;
    if (in.mode != 1) return 8;
    if (!p->session) return 11;
    if (p->session != live) return 3;
    if (!p->order.session) return 1;
    if (p->order.session != live) return 3;
    if (p->order.lane != PASS) return 2;
    return p->order.has_last && past(count, p->order.last) ? 10 : 0;
}

static void lead_at_decision(const edge_t *edge, const parcel_t *p) {
    object_t o = {p ? p->number : 0, edge->count, 0, p ? p->length : 0, 0, reason_at_lead(p, edge->count), 0, 0};
    object_t *ahead = objects ? &object[objects - 1] : NULL;
    if (ahead && (!ahead->freed || since(ahead->trail, o.lead) < COUNTS(S_MM))) {
        if (!o.reason) o.reason = 6;
        if (!ahead->reason && !ahead->released) ahead->reason = 6;
    }
    if (objects == OBJECTS) latched_stop = 4; /* cannot be: more objects than the belt holds */
    else object[objects++] = o;
}

static void trail_at_decision(const edge_t *edge) {
    object_t *o = objects ? &object[objects - 1] : NULL;
    if (!o || o->freed) return;
    o->freed = 1;
    o->trail = edge->count;
    double differs = since(o->lead, o->trail) - o->length;
    double allowed = 2 * LATCH + COUNTS(LENGTH_TOLERANCE) + SLIP * o->length;
    if (!o->reason && (!o->length || differs > allowed || -differs > allowed)) o->reason = 5;
}

static uint32_t at_exit(const edge_t *edge) {
    object_t *one = NULL;
    int hits = 0, pass = edge->eye == EXIT_PASS;
    for (object_t *o = object; o < object + objects; o++)
        if (!o->told && within(since(o->lead, edge->count), TO_EXIT)) one = o, hits++;
    if (hits != 1) one = NULL;
    if (pass && (!one || !one->released)) latched_stop = 4, faults |= 1 << 2;
    if (one) one->told = 1;
    uint32_t number = one ? one->number : 0;
    append_outcome(number, pass ? PASS : INSPECT, one ? one->reason : 9, edge->count, edge->ms);
    return number;
}

static void edge_came(const edge_t *edge) {
    uint32_t eye = edge->eye;
    uint16_t fired = 0;
    if (edge->broken) {
        parcel_t *p = eye > DECISION ? NULL : eye ? claim(edge) : enter(edge);
        reg[STATUS + 29 + eye]++;
        if (eye == TRIGGER_EYE) fired = trigger = (uint16_t)(trigger % 65535 + 1);
        if (eye == DECISION) lead_at_decision(edge, p);
        on_eye[eye] = eye > DECISION ? at_exit(edge) : p ? p->number : 0;
    } else if (eye == DECISION) trail_at_decision(edge);
    else if (eye == 0 && find(on_eye[0])) find(on_eye[0])->length = edge->count - find(on_eye[0])->at[0];
    append_edge(edge, on_eye[eye], fired);
}

/* A beam freed for less than a few millimetres was not free: a freed edge waits until the belt has moved on so far. */
static void free_beams(uint32_t count) {
    for (int eye = 0; eye < EYES; eye++)
        if (freed_waits[eye] && since(freed_lately[eye].count, count) >= COUNTS(BOUNCE_MM)) {
            freed_waits[eye] = 0;
            edge_came(&freed_lately[eye]);
        }
}

static void debounce(const edge_t *edge) {
    free_beams(edge->count);
    if (!edge->broken) freed_lately[edge->eye] = *edge;
    else if (!freed_waits[edge->eye]) edge_came(edge);
    freed_waits[edge->eye] = !edge->broken;
}

static void watch_parcels(void) {
    for (parcel_t *p = parcel; p < parcel + PARCELS; p++) {
        int from = eye_before(p, DECISION);
        double too_far = latest(EYE_MM[DECISION] - EYE_MM[from]);
        if (p->number && !p->claimed[DECISION] && since(p->at[from], in.count) > too_far)
            append_outcome(p->number, LOST, p->refused ? 4 : 12, in.count, in.ms);
    }
}

static int left(const object_t *o) { return o->freed && since(o->trail, in.count) > latest(TO_DIVERTER); }

static void watch_objects(void) {
    int kept = 0;
    for (object_t *o = object; o < object + objects; o++) {
        if (in.ms - still_ms > STAND_MS && !o->reason && since(o->lead, in.count) < earliest(TO_DIVERTER))
            o->reason = 7, o->released = 0;
        if (o->freed && !o->reason && since(o->trail, in.count) >= COUNTS(S_MM)) o->released = 1;
        if (!o->told && since(o->lead, in.count) > latest(TO_EXIT)) {
            o->told = 1;
            append_outcome(o->number, UNOBSERVED, o->reason, in.count, in.ms);
        }
        if (!o->told || !left(o)) object[kept++] = *o;
    }
    objects = kept;
}

static void drive_diverter(void) {
    const object_t *first = NULL;
    int at_it = 0;
    for (const object_t *o = object + objects - 1; o >= object; o--)
        if (!left(o)) first = o, at_it |= since(o->lead, in.count) >= earliest(TO_DIVERTER);
    uint32_t pass = first && first->released;
    if (!at_it) to_pass = pass;
    if (first && since(first->lead, in.count) >= earliest(TO_DIVERTER) - COUNTS(STOP_MM) &&
        (in.at_pass != pass || in.at_inspect == pass))
        latched_stop = 3, faults |= 1 | (in.at_pass && in.at_inspect) << 1;
}

/* Give the outputs, take the inputs; 0 once the plant is gone or talks nonsense. */
static int exchange(FILE *seam) {
    static char line[65536];
    char *rest = line + 3;
    uint32_t *field = &in.ms, *edge = &edge_in[0].eye;
    if (dprintf(fileno(seam), "OUT %d %d %d\n", belt, to_pass, trigger) < 0) return 0;
    if (!fgets(line, sizeof line, seam) || strncmp(line, "IN ", 3)) return 0;
    for (int i = 0; i < 9; i++) field[i] = (uint32_t)strtoul(rest, &rest, 10);
    if (in.edges > MOST_EDGES) return 0;
    for (uint32_t i = 0; i < 4 * in.edges; i++) edge[i] = (uint32_t)strtoul(rest, &rest, 10);
    return 1;
}

static int do_scan(FILE *seam) {
    uint32_t before = in.count;
    if (!exchange(seam)) return 0;
    if (!started || in.count != before) still_ms = in.ms;
    moved += started ? in.count - before : 0;
    started = 1;
    scan++;
    if (live && in.ms - beat_ms > STALE_MS) ended = live, live = 0;
    take_command();
    for (uint32_t i = 0; i < in.edges; i++)
        if (edge_in[i].eye < EYES) debounce(&edge_in[i]);
    free_beams(in.count);
    if (in.acknowledge) latched_stop = faults = 0;
    watch_parcels();
    watch_objects();
    drive_diverter();
    int stop_cause = latched_stop ? latched_stop : in.lane_full ? 2 : in.stop ? 1 : 0;
    belt = !stop_cause;
    write_status(stop_cause);
    return 1;
}

static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* One request: function 3 anywhere, function 16 in the command block only. */
static int answer(modbus_t *ctx, modbus_mapping_t *map, int peer) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH] = {0};
    modbus_set_socket(ctx, peer);
    int size = modbus_receive(ctx, query), first = query[8] << 8 | query[9], count = query[10] << 8 | query[11];
    if (size < 12) return size >= 0;
    if (query[7] != 3 && query[7] != 16)
        return modbus_reply_exception(ctx, query, MODBUS_EXCEPTION_ILLEGAL_FUNCTION) >= 0;
    if (query[7] == 16 && (first < COMMAND || first + count > COMMAND + TRAILER + 1))
        return modbus_reply_exception(ctx, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS) >= 0;
    return modbus_reply(ctx, query, size, map) >= 0;
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    if (argc < 3) return fprintf(stderr, "plc_on_libmodbus MODBUS_PORT SEAM_PORT [--swap-words]\n"), 2;
    swapped = argc > 3 && !strcmp(argv[3], "--swap-words");
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, 0);
    int listener = modbus_tcp_listen(ctx, 4), plant = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    FILE *seam = fdopen(plant, "r");
    at.sin_port = htons((uint16_t)atoi(argv[2]));
    if (!map || listener < 0 || connect(plant, (struct sockaddr *)&at, length) < 0) return perror(argv[0]), 1;
    setsockopt(plant, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    modbus_set_byte_timeout(ctx, 0, SCAN_US / 2); /* half a request must not hold up the scan */
    reg = map->tab_registers;
    memcpy(reg + SETTINGS, CONSTANTS, sizeof CONSTANTS);
    if (!do_scan(seam) || getsockname(listener, (struct sockaddr *)&at, &length) < 0) return 1;
    printf("serving %d\n", ntohs(at.sin_port));
    fflush(stdout);
    fd_set all, ready;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (long long due = now_us() + SCAN_US;;) {
        long long left_us = due - now_us();
        if (left_us <= 0) {
            long long begun = now_us(), ms;
            if (!do_scan(seam)) return 1;
            if ((ms = (now_us() - begun + 999) / 1000) > scan_max) scan_max = (uint16_t)(ms > 65535 ? 65535 : ms);
            due = left_us < -SCAN_US ? now_us() + SCAN_US : due + SCAN_US;
            continue;
        }
        ready = all;
        if (select(FD_SETSIZE, &ready, NULL, NULL, &(struct timeval){0, left_us}) < 0) return 1;
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            int peer = fd == listener ? accept(listener, NULL, NULL) : -1;
            if (peer >= 0) FD_SET(peer, &all);
            else if (fd != listener && !answer(ctx, map, fd)) FD_CLR(fd, &all), close(fd);
        }
    }
}
