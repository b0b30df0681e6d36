/* Many networks of the same layers on the same rows: the equations of on_numpy/manual.py, a network in each lane.
 *
 * Networks are taken LANES at a time, and what is a number of one network is a vector of theirs: parameters[k][network],
 * a[row][unit][network]. So no sum runs across a vector, and a network's numbers lie together for as long as it takes to
 * compute them; a training of several steps goes through all of them before the next networks' turn. Rows are taken in
 * slices, whose numbers stay in the first-level cache.
 */
#if defined(__AVX512F__)
enum { LANES = 64 / sizeof(real) };
#elif defined(__AVX__)
enum { LANES = 32 / sizeof(real) };
#else
enum { LANES = 16 / sizeof(real) };
#endif
enum { SLICED = 16 }; /* rows */

typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

/* What goes into a layer: of the first the rows, a number for all networks; of the others a vector. */
typedef struct { const real *x; const lanes *a; } Inputs;

#define TIMES_INPUT(number, k) (first ? x.x[k] * (number) : x.a[k] * (number))
#define INLINE static inline __attribute__((always_inline))
/* A function of a layer whose loops over units are written out for the layers of xor. */
#define WRITTEN_OUT(function, ...)                                                                                      \
    do {                                                                                                                \
        if (first && in == 2 && out == 4)                                                                               \
            function(1, rows, 2, 4, __VA_ARGS__);                                                                       \
        else if (!first && in == 4 && out == 1)                                                                         \
            function(0, rows, 4, 1, __VA_ARGS__);                                                                       \
        else if (first)                                                                                                 \
            function(1, rows, in, out, __VA_ARGS__);                                                                    \
        else                                                                                                            \
            function(0, rows, in, out, __VA_ARGS__);                                                                    \
    } while (0)

/* z = a W + b */
INLINE void weigh_lanes(const int first, long rows, const long in, const long out, Inputs x, const lanes *W, lanes *z)
{
    for (long row = 0; row < rows; row++)
        for (long j = 0; j < out; j++) {
            lanes sum = W[in * out + j];
            for (long i = 0; i < in; i++)
                sum += TIMES_INPUT(W[i * out + j], row * in + i);
            z[row * out + j] = sum;
        }
}

/* Add dL/dW = aᵀ delta and dL/db = 1ᵀ delta to what is there. */
INLINE void add_lanes(const int first, long rows, const long in, const long out, Inputs x, const lanes *delta, lanes *dW)
{
    for (long j = 0; j < out; j++) {
        lanes sum = dW[in * out + j];
        for (long row = 0; row < rows; row++)
            sum += delta[row * out + j];
        dW[in * out + j] = sum;
        for (long i = 0; i < in; i++) {
            lanes product = dW[i * out + j];
            for (long row = 0; row < rows; row++)
                product += TIMES_INPUT(delta[row * out + j], row * in + i);
            dW[i * out + j] = product;
        }
    }
}

/* delta of the layer before: its slopes times delta Wᵀ */
INLINE void go_back_lanes(const int first, long rows, const long in, const long out, const lanes *delta, const lanes *W,
                          lanes *slopes)
{
    for (long row = 0; row < rows; row++)
        for (long i = 0; i < in; i++) {
            lanes cotangent = delta[row * out] * W[i * out];
            for (long j = 1; j < out; j++)
                cotangent += delta[row * out + j] * W[i * out + j];
            slopes[row * in + i] *= cotangent;
        }
}

/* Of LANES networks the predictions, or the losses and gradients (where there is a place for them). */
static void pass_of_networks(const Case *c, const lanes *parameters, lanes *predictions, lanes *loss, lanes *gradients)
{
    const long layers = c->layers, *sizes = c->sizes, elements = c->rows * sizes[layers];
    const real factor = (real)2 / elements;
    lanes *values[MOST_LAYERS + 1], *slopes[MOST_LAYERS + 1], *dW[MOST_LAYERS], *spare = (lanes *)c->memory, squares = {};
    const lanes *W[MOST_LAYERS];
    long count = 0;
    for (long l = 0; l < layers; l++) {
        W[l] = parameters + count;
        dW[l] = gradients + count;
        count += (sizes[l] + 1) * sizes[l + 1];
        values[l + 1] = spare;
        slopes[l + 1] = spare + SLICED * sizes[l + 1];
        spare += 2 * SLICED * sizes[l + 1];
    }
    if (gradients)
        memset(gradients, 0, count * sizeof(lanes));

    for (long start = 0; start < c->rows; start += SLICED) {
        const long rows = smaller(SLICED, c->rows - start);
        const real *y = c->y + start * sizes[layers];
        for (long l = 0; l < layers; l++) {
            const long in = sizes[l], out = sizes[l + 1], first = l == 0;
            const Inputs inputs = {c->x + start * in, values[l]};
            WRITTEN_OUT(weigh_lanes, inputs, W[l], values[l + 1]);
            activate(c->activations[l], rows * out * LANES, (real *)values[l + 1], (real *)slopes[l + 1]);
        }
        if (predictions)
            memcpy(predictions + start * sizes[layers], values[layers], rows * sizes[layers] * sizeof(lanes));
        if (!gradients)
            continue;
        for (long k = 0; k < rows * sizes[layers]; k++) { /* delta = 2/N (a - y) ∘ f'(z) */
            const lanes error = values[layers][k] - y[k];
            squares += error * error;
            slopes[layers][k] *= factor * error;
        }
        for (long l = layers - 1; l >= 0; l--) {
            const long in = sizes[l], out = sizes[l + 1], first = l == 0;
            const Inputs inputs = {c->x + start * in, values[l]};
            WRITTEN_OUT(add_lanes, inputs, slopes[l + 1], dW[l]);
            if (!first)
                WRITTEN_OUT(go_back_lanes, slopes[l + 1], W[l], slopes[l]);
        }
    }
    if (gradients)
        *loss = squares / (real)elements;
}

static long parameters_of(const Case *c)
{
    long count = 0;
    for (long l = 0; l < c->layers; l++)
        count += (c->sizes[l] + 1) * c->sizes[l + 1];
    return count;
}

void networks_forward(Case *c)
{
    const long count = parameters_of(c), predictions = c->rows * c->sizes[c->layers];
    for (long k = 0; k < c->vectors; k++)
        pass_of_networks(c, (lanes *)c->parameters + k * count, (lanes *)c->predictions + k * predictions, 0, 0);
}

void networks_value_and_grad(Case *c)
{
    const long count = parameters_of(c);
    for (long k = 0; k < c->vectors; k++)
        pass_of_networks(c, (lanes *)c->parameters + k * count, 0, (lanes *)c->loss + k, (lanes *)c->gradients + k * count);
}

void networks_train(Case *c, double learning_rate, long steps)
{
    const long count = parameters_of(c);
    lanes *gradients = (lanes *)c->gradients; /* of the networks whose turn it is */
    for (long k = 0; k < c->vectors; k++) {
        lanes *parameters = (lanes *)c->parameters + k * count;
        for (long step = 0; step < steps; step++) {
            pass_of_networks(c, parameters, 0, (lanes *)c->loss + k, gradients);
            for (long p = 0; p < count; p++)
                parameters[p] -= (real)learning_rate * gradients[p];
        }
    }
}

long networks_lanes(void) { return LANES; }
