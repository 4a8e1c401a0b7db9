// The floor: what the same bytes cost on the same sockets when nothing is parsed, routed or logged.
//
//   floor fixed PORT CONTENT [close]   answers every head with CONTENT bytes; "close" ends the connection after each
//   floor relay PORT UPSTREAM          one upstream connection per client connection, bytes carried both ways
//
// Each process is one epoll loop, level-triggered, on non-blocking sockets: the cheapest thing that readiness can do.
// FLOOR_WORKERS asks for several, each with a SO_REUSEPORT listener of its own.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    max_events = 512,
    max_fds = 1 << 17,
    read_bytes = 64 << 10,
    max_batch = 64,           // Answers that one write carries when requests are pipelined.
    batch_limit = 256 << 10,  // Answers longer than this, taken together, are written one at a time.
};

struct conn {
    int open;
    unsigned events;  // What epoll watches.

    // fixed
    int owed;     // Answers not yet written whole.
    int matched;  // Bytes of the empty line at the end of the last read.

    // relay
    int peer;       // The other side's descriptor.
    char *block;    // Bytes for this descriptor that it did not take at once.
    size_t filled;  // How many there are.

    size_t sent;  // How much of the answer, or of the block, is written.
};

static struct conn conns[max_fds];
static int epfd, listener, closing, relaying;
static struct sockaddr_in upstream;
static char in[read_bytes];
static char *answers;
static size_t answer_bytes;
static int batch;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void drop_one(int fd) {
    free(conns[fd].block);
    memset(&conns[fd], 0, sizeof conns[fd]);
    close(fd);
}

static void drop(int fd) {
    int peer = conns[fd].peer;
    drop_one(fd);
    if (relaying) drop_one(peer);
}

static void watch(int fd, unsigned events) {
    if (conns[fd].events == events) return;
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &event) < 0) die("epoll_ctl");
    conns[fd].events = events;
}

static void adopt(int fd, int peer) {
    if (fd >= max_fds) die("too many connections");
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conns[fd] = (struct conn){.open = 1, .events = EPOLLIN, .peer = peer};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

// ---- fixed ----

static void write_owed(int fd) {
    struct conn *c = &conns[fd];
    while (c->owed > 0) {
        int now = c->owed < batch ? c->owed : batch;
        ssize_t n = send(fd, answers + c->sent, now * answer_bytes - c->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN)
                watch(fd, EPOLLIN | EPOLLOUT);
            else
                drop(fd);
            return;
        }
        size_t written = c->sent + n;
        c->owed -= written / answer_bytes;
        c->sent = written % answer_bytes;
    }
    if (closing)
        drop(fd);
    else
        watch(fd, EPOLLIN);
}

// Counts the empty lines in what arrived. One that is cut is carried over to the next read.
static int heads(struct conn *c, size_t n) {
    static const char end[] = "\r\n\r\n";
    const char *at = in, *last = in + n, *hit;
    int found = 0;
    for (; c->matched > 0 && at < last; at++) {
        if (*at != end[c->matched]) {
            c->matched = *at == '\r' ? 1 : 0;
        } else if (++c->matched == 4) {
            c->matched = 0;
            found++;
        }
    }
    while ((hit = memmem(at, last - at, end, 4))) {
        found++;
        at = hit + 4;
    }
    if (c->matched == 0) {
        int k = last - at < 3 ? last - at : 3;
        while (k > 0 && memcmp(last - k, end, k)) k--;
        c->matched = k;
    }
    return found;
}

static void fixed_event(int fd, unsigned events) {
    if (events & EPOLLOUT) {
        write_owed(fd);
        if (!conns[fd].open) return;
    }
    if (!(events & ~EPOLLOUT)) return;
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    int found = heads(&conns[fd], n);
    if (found) {
        conns[fd].owed += found;
        write_owed(fd);
    }
}

// ---- relay ----

// A side is read while the other has no block left to take.
static void watch_pair(int fd) {
    int peer = conns[fd].peer;
    watch(fd, (conns[peer].filled ? 0 : EPOLLIN) | (conns[fd].filled ? EPOLLOUT : 0));
    watch(peer, (conns[fd].filled ? 0 : EPOLLIN) | (conns[peer].filled ? EPOLLOUT : 0));
}

static void write_block(int fd) {
    struct conn *c = &conns[fd];
    ssize_t n = send(fd, c->block + c->sent, c->filled - c->sent, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN) drop(fd);
        return;
    }
    c->sent += n;
    if (c->sent < c->filled) return;
    c->sent = c->filled = 0;
    watch_pair(fd);
}

static void relay_event(int fd, unsigned events) {
    int to = conns[fd].peer;
    if (events & EPOLLOUT && conns[fd].filled) {
        write_block(fd);
        if (!conns[fd].open) return;
    }
    if (!(events & ~EPOLLOUT)) return;
    if (conns[to].filled) {
        if (events & (EPOLLHUP | EPOLLERR)) drop(fd);
        return;
    }
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    ssize_t sent = send(to, in, n, MSG_NOSIGNAL);
    if (sent == n) return;
    if (sent < 0 && errno != EAGAIN) {
        drop(fd);
        return;
    }
    struct conn *c = &conns[to];
    if (sent < 0) sent = 0;
    if (!c->block && !(c->block = malloc(read_bytes))) die("malloc");
    memcpy(c->block, in + sent, n - sent);
    c->filled = n - sent;
    c->sent = 0;
    watch_pair(fd);
}

static void accept_all(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (!relaying) {
            adopt(fd, 0);
            continue;
        }
        int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (up < 0 || connect(up, (struct sockaddr *)&upstream, sizeof upstream) < 0) die("connect to the upstream");
        if (fcntl(up, F_SETFL, O_NONBLOCK) < 0) die("fcntl");
        adopt(fd, up);
        adopt(up, fd);
    }
}

static void serve(int port) {
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(listener, 65535) < 0) die("listen");
    if ((epfd = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
    static struct epoll_event events[max_events];
    for (;;) {
        int n = epoll_wait(epfd, events, max_events, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all();
            else if (!conns[fd].open)
                continue;  // An earlier event of this turn closed it.
            else if (relaying)
                relay_event(fd, events[i].events);
            else
                fixed_event(fd, events[i].events);
        }
    }
}

static void prepare_answers(size_t content) {
    char head[256];
    int head_bytes = snprintf(head, sizeof head,
                              "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n%s\r\n",
                              content, closing ? "Connection: close\r\n" : "");
    answer_bytes = head_bytes + content;
    batch = answer_bytes * max_batch <= batch_limit ? max_batch : 1;
    answers = malloc(answer_bytes * batch);
    if (!answers) die("malloc");
    for (int i = 0; i < batch; i++) {
        memcpy(answers + i * answer_bytes, head, head_bytes);
        memset(answers + i * answer_bytes + head_bytes, 'x', content);
    }
}

int main(int argc, char **argv) {
    if (argc >= 4 && !strcmp(argv[1], "fixed")) {
        closing = argc > 4 && !strcmp(argv[4], "close");
        prepare_answers(strtoul(argv[3], NULL, 10));
    } else if (argc == 4 && !strcmp(argv[1], "relay")) {
        relaying = 1;
        upstream = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(atoi(argv[3])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    } else {
        fprintf(stderr, "usage: floor fixed PORT CONTENT [close] | floor relay PORT UPSTREAM\n");
        return 2;
    }
    const char *workers = getenv("FLOOR_WORKERS");
    for (int i = workers ? atoi(workers) : 1; i > 1; i--) {
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            break;
        }
    }
    serve(atoi(argv[2]));
}
