/* A scale's holding registers on libmodbus, over TCP, or with an argument over RTU on that serial port. Lines on
   standard input: "ADDRESS VALUE" sets a register, "busy 1" answers every request with exception 6 until "busy 0".
   Prints its TCP port, 0 for RTU; ends with its input. */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGISTERS 200

static int busy = 0;

/* Take the lines of one read; 0 when the input has ended. */
static int obey(modbus_mapping_t *map) {
    char text[4096], word[32], *line, *rest = text;
    int value;
    ssize_t size = read(STDIN_FILENO, text, sizeof text - 1);
    if (size <= 0)
        return 0;
    text[size] = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (sscanf(line, "%31s %d", word, &value) != 2)
            continue;
        if (strcmp(word, "busy") == 0)
            busy = value;
        else
            map->tab_registers[atoi(word) % REGISTERS] = (uint16_t)value;
    }
    printf("done\n");
    fflush(stdout);
    return 1;
}

static int answered(modbus_t *ctx, modbus_mapping_t *map) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int size = modbus_receive(ctx, query);
    if (size > 0 && busy)
        modbus_reply_exception(ctx, query, MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY);
    else if (size > 0)
        modbus_reply(ctx, query, size, map);
    return size >= 0;
}

static void answer(modbus_t *ctx, modbus_mapping_t *map, int peer, fd_set *all) {
    modbus_set_socket(ctx, peer);
    if (!answered(ctx, map)) {
        close(peer);
        FD_CLR(peer, all);
    }
}

static int serve_rtu(const char *port, modbus_mapping_t *map) {
    modbus_t *ctx = modbus_new_rtu(port, 19200, 'N', 8, 1);
    fd_set ready;
    if (ctx == NULL || modbus_set_slave(ctx, 1) < 0 || modbus_connect(ctx) < 0)
        return 1;
    printf("0\n");
    fflush(stdout);
    for (;;) {
        FD_ZERO(&ready);
        FD_SET(STDIN_FILENO, &ready);
        FD_SET(modbus_get_socket(ctx), &ready);
        if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0)
            return 1;
        if (FD_ISSET(STDIN_FILENO, &ready) && !obey(map))
            return 0;
        if (FD_ISSET(modbus_get_socket(ctx), &ready) && !answered(ctx, map))
            modbus_flush(ctx);
    }
}

int main(int argc, char **argv) {
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    if (argc > 1)
        return serve_rtu(argv[1], map);
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    struct sockaddr_in at;
    socklen_t length = sizeof at;
    int listener = modbus_tcp_listen(ctx, 4);
    fd_set all, ready;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&at, &length) < 0)
        return 1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    FD_ZERO(&all);
    FD_SET(STDIN_FILENO, &all);
    FD_SET(listener, &all);
    for (;;) {
        ready = all;
        if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int fd = 0; fd < FD_SETSIZE; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == STDIN_FILENO && !obey(map))
                return 0;
            else if (fd == listener) {
                int peer = accept(listener, NULL, NULL);
                if (peer >= 0)
                    FD_SET(peer, &all);
            } else if (fd != STDIN_FILENO)
                answer(ctx, map, fd, &all);
        }
    }
}
