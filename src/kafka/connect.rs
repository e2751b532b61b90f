//! Makes clients of the settings in `clients`. None has a connection yet when it is returned.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::AdminClient,
    consumer::BaseConsumer,
    producer::{Producer, ProducerContext, ThreadedProducer},
};

use super::{
    clients::{self, ClientRefused},
    context::{Context, Watch},
};
use crate::config::Config;

/// Makes a consumer.
pub(super) fn consumer(
    settings: &ClientConfig,
    watch: &Arc<Watch>,
) -> Result<BaseConsumer<Context>, ClientRefused> {
    settings
        .create_with_context(Context(Arc::clone(watch)))
        .map_err(|error| ClientRefused::new("consumer", &error))
}

/// Makes an admin client. rdkafka's never requests an OAUTHBEARER token, so it is given one.
pub(super) fn admin(config: &Config, watch: &Arc<Watch>) -> Result<AdminClient<Context>, ClientRefused> {
    let client: AdminClient<Context> = clients::admin(config)?
        .create_with_context(Context(Arc::clone(watch)))
        .map_err(|error| ClientRefused::new("admin client", &error))?;
    watch.log_in(client.inner())?;
    Ok(client)
}

/// Opens the connections of a producer, best effort. Without one, librdkafka puts off its first coordinator
/// lookup by 500 ms.
pub(super) fn reach<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    topic: &str,
    timeout: Duration,
) {
    // The first answer comes over a connection that librdkafka gives up, because it has learnt the brokers'
    // own addresses.
    for _ in 0..2 {
        drop(producer.client().fetch_metadata(Some(topic), timeout));
    }
}
